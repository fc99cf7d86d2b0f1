"""Verdict: whether a claim was seen, by a rule that was fixed before looking."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Answer = Literal["reproduced", "not seen", "opposite", "too few seeds"]
Sample = Float[np.ndarray, "trial"]
RULE = (
    "A difference counts where the mean over seeds differs by more than the spread of that difference, which is "
    "the root of the sum of both samples' variances; else the claim is not seen. A value counts as above or below "
    "a bound where its mean is so by more than its own standard deviation."
)


@dataclass(frozen=True)
class Verdict:
    """A claim in one sentence, what the paper reports, what was measured here, and the answer."""

    claim: str
    paper: str
    ours: str
    answer: Answer


def difference(larger: Sample, smaller: Sample) -> Answer:
    """Whether the first sample's mean is above the second's by more than the spread of the difference."""
    if min(len(larger), len(smaller)) < 2:
        return "too few seeds"
    margin, spread = larger.mean() - smaller.mean(), np.hypot(larger.std(ddof=1), smaller.std(ddof=1))
    return "reproduced" if margin > spread else "opposite" if margin < -spread else "not seen"


def not_below(sample: Sample, other: Sample) -> Answer:
    """Whether a sample's mean is the other's at least: reproduced unless it is below by more than the spread."""
    answer = difference(sample, other)
    return "reproduced" if answer == "not seen" else answer


def alike(one: Sample, other: Sample) -> Answer:
    """Whether two means are no further apart than the spread of their difference."""
    answer = difference(one, other)
    return {"not seen": "reproduced", "too few seeds": answer}.get(answer, "not seen")  # type: ignore[return-value]


def bounded(sample: Sample, *, below: float | None = None, above: float | None = None) -> Answer:
    """Whether a sample's mean is below, or above, a bound by more than its standard deviation."""
    if (below is None) == (above is None):
        raise ValueError(f"bounded takes one bound, below or above; got below={below} and above={above}")
    bound = np.full(len(sample), below if above is None else above)
    return difference(bound, sample) if above is None else difference(sample, bound)


def all_of(answers: list[Answer]) -> Answer:
    """The answer to a claim of several parts: reproduced only if every part is, opposite only if one is and none else
    is reproduced."""
    for answer in ("too few seeds", "not seen"):
        if answer in answers:
            return answer  # type: ignore[return-value]
    return answers[0] if len(set(answers)) == 1 else "not seen"


def shown(sample: Sample, digits: int = 3) -> str:
    """Mean ± standard deviation over the seeds: 3.051 ± 0.004; one seed alone has no spread."""
    if len(sample) == 1:
        return f"{sample.mean():.{digits}g}"
    return f"{sample.mean():.{digits}g} ± {sample.std(ddof=1):.2g}"
