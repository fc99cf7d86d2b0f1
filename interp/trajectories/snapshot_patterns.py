"""Snapshot patterns: the attention of every head at every snapshot of a training run, as small pictures."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_summary import THUMBNAIL_SIDE
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.head_score import head_name
from headscope.interp.results.result import Result
from headscope.interp.trajectories.snapshots import run_folder
from headscope.models.checkpoints import open_folder
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Attention through training",
    unit="weight",
    law=f"a[t, s] at every snapshot: of at most {THUMBNAIL_SIDE} × {THUMBNAIL_SIDE} blocks the strongest weight",
    source="headscope",
    plain=Sentence(
        "What the head did with this {prompt} at every snapshot of its training, all on one range of colours. Blue "
        "adds what is read, red subtracts it; grey is not seen."
    ),
)


@dataclass(frozen=True, repr=False)
class HeadSnapshots(Result):
    """A head's weights at every snapshot; a block of a long prompt is its strongest weight, with its sign."""

    drawn_by = "trajectories:head_snapshots_figure"

    pattern: Float[Tensor, "snapshot row column"]


@dataclass(frozen=True)
class SnapshotPatterns:
    """All heads of a run: steps, and [snapshot layer head row column] of weights, NaN where nothing is seen."""

    steps: tuple[int, ...]
    pattern: Float[Tensor, "snapshot layer head row column"]

    def of_head(self, layer: int, head: int) -> HeadSnapshots:
        """One head of them."""
        about = replace(ABOUT, title=f"Attention of {head_name(layer, head)} through training")
        names = tuple(f"step {step:,}" for step in self.steps)
        return HeadSnapshots(self.pattern[:, layer, head], about=about, labels={"snapshot": names})


def snapshot_patterns(
    run: str | Path, run_of: Callable[[HookedModel], AttentionRun], watch: Watch = watch_nothing
) -> SnapshotPatterns:
    """The snapshots in a run's folder, opened one at a time; run_of gives a prompt to each. watch(done, total) counts.

    Raises ValueError for a folder without snapshots.
    """
    steps = run_folder(run).steps
    pictures = []
    for done, folder in enumerate(steps.values(), start=1):
        pictures.append(pictures_of(folder, run_of))
        watch(done, len(steps))
    return SnapshotPatterns(tuple(steps), torch.stack(pictures))


def pictures_of(folder: Path, run_of: Callable[[HookedModel], AttentionRun]) -> Float[Tensor, "layer head row column"]:
    """Open a snapshot, take its pictures and let it go."""
    from headscope.models.hooked import hooked

    gc.collect()  # the snapshot before this one: a hooked model refers to itself, and would stay
    opened = open_folder(folder)
    summary = run_of(hooked(opened.model, opened.tokenizer)).summary
    return summary.thumbnails.where(summary.thumbnail_visible[:, None], torch.nan)
