"""Head sentences: what stands out among the heads of a run, each as one sentence about one head, and short names."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.asking.head_jobs import COPYING, DELETION, NEGATIVE, SELF, SINK, HeadJob, stands_out
from headscope.interp.results.head_score import head_name

MOST = 6  # sentences
SAID = 0.1  # share of a head's weight from which on a sentence says it
NAMED = 0.3  # share of a head's weight from which on it has the name of its job (Gu et al. 2024 of sinks)


@dataclass(frozen=True)
class JobWords:
    """How a job is said of a head, with {share} of its weight and {null}, and the short name of such heads."""

    sentence: str
    label: str = ""


WORDS = {
    "previous token": JobWords("looks at the previous token ({share}, by chance {null})", "prev"),
    "induction": JobWords("looks at what followed the token before ({share}, by chance {null})", "induction"),
    "duplicate token": JobWords("looks at earlier copies of the token ({share}, by chance {null})", "duplicate"),
    SELF: JobWords("looks at the token itself ({share}, by chance {null})", "self"),
    SINK: JobWords("rests on the first token ({share}, by chance {null})", "sink"),
    NEGATIVE: JobWords("takes {share} of its weight away{most} (by chance {null})"),
    DELETION: JobWords("deletes what it reads ({value} σ of the logits, by chance {chance})"),
    COPYING: JobWords("copies what it reads ({value} σ of the logits, by chance {chance})"),
}


@dataclass(frozen=True)
class HeadSentence:
    """One sentence about one head, and the statistic that it rests on.

    others: how many more heads do the same, beyond chance too.
    """

    layer: int
    head: int
    sentence: str
    statistic: str
    value: float
    null: float
    spread: float
    others: int

    @property
    def whole(self) -> str:
        """With the name of the head before it."""
        return f"{head_name(self.layer, self.head)} {self.sentence}"


def head_sentences(jobs: Sequence[HeadJob]) -> list[HeadSentence]:
    """Of each job the head that does it most, where any does it beyond chance; the furthest from its null first."""
    doing = heads_of_jobs(jobs, SAID)
    sentences = [sentence_of(job, doing[job.name]) for job in jobs if bool(doing[job.name].any())]
    return sorted(sentences, key=lambda item: item.null - item.value)[:MOST]


def heads_of_jobs(jobs: Sequence[HeadJob], least: float) -> dict[str, Bool[Tensor, "layer head"]]:
    """The heads that do each job beyond chance, and with some share of their weight at least."""
    beyond = stands_out(jobs)
    return {job.name: beyond[job.name] & (job.value >= least) for job in jobs}


def sentence_of(job: HeadJob, doing: Bool[Tensor, "layer head"]) -> HeadSentence:
    """The sentence of the head that does a job most."""
    layer, head = divmod(int(job.value.masked_fill(~doing, -torch.inf).argmax()), doing.shape[1])
    value, null, spread = (float(field[layer, head]) for field in (job.value, job.null, job.spread))
    most = ": the most of all heads" if value >= float(job.value.nan_to_num().max()) else ""
    shares = {"share": f"{100 * value:.0f} %", "null": f"{100 * null:.0f} %"}
    numbers = {**shares, "value": f"{value:.2f}", "chance": f"{null:.2f}", "most": most}
    words = WORDS[job.name].sentence.format_map(numbers)
    others = 0 if job.name == NEGATIVE else int(doing.sum()) - 1
    return HeadSentence(layer, head, words, job.name, value, null, spread, others)


def head_labels(jobs: Sequence[HeadJob]) -> list[list[str]]:
    """The short name of every head [layer][head], of the job it gives the most weight beyond chance to; or nothing."""
    doing = heads_of_jobs(jobs, NAMED)
    labelled = [job for job in jobs if WORDS[job.name].label]
    if not labelled:
        return []
    distance: Float[Tensor, "job layer head"] = torch.stack(
        [(job.value - job.null).masked_fill(~doing[job.name], -torch.inf) for job in labelled]
    )
    best, which = distance.max(0)
    names = [WORDS[job.name].label for job in labelled]
    return [
        [names[at] if farthest > -torch.inf else "" for farthest, at in zip(*rows, strict=True)]
        for rows in zip(best.tolist(), which.tolist(), strict=True)
    ]
