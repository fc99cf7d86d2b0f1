"""Tempering a model from the terminal: a bar while it learns, then what it cost and what it gained."""

from pathlib import Path

from headscope.app.terminal.training_bar import TrainingBar
from headscope.models.training.partial import Learned
from headscope.models.training.tempering import Tempering, temper


def tempered_with_bar(model: str, out: Path, how: Tempering) -> Learned:
    """Temper and show how it goes."""
    with TrainingBar(how.course.steps, out.name) as bar:
        return temper(model, out, how, bar.show)


def summary(found: Learned) -> str:
    """Three lines: parameters, losses, and where the model is."""
    return (
        f"new parameters: {found.new:,} of {found.trained.all:,} ({found.trained.percent:.3g} %)\n"
        f"loss on the same held-out windows: {found.loss_before:.4f} before, {found.loss_after:.4f} after\n"
        f"written: {found.folder}"
    )
