"""Tempering a model from the terminal: a bar while it learns, then what it cost and what it gained."""

from pathlib import Path

from headscope.app.terminal.training_bar import TrainingBar
from headscope.models.training.partial import LearningOutcome
from headscope.models.training.tempering import Tempering, temper


def tempered_with_bar(model: str, out: Path, how: Tempering) -> LearningOutcome:
    """Temper and show how it goes."""
    with TrainingBar(how.course.steps, out.name) as bar:
        return temper(model, out, how, bar.show)


def tempering_summary(result: LearningOutcome) -> str:
    """Three lines: parameters, losses, and where the model is."""
    return (
        f"new parameters: {result.new:,} of {result.trained.all:,} ({result.trained.percent:.3g} %)\n"
        f"loss on the same held-out windows: {result.loss_before:.4f} before, {result.loss_after:.4f} after\n"
        f"written: {result.folder}"
    )
