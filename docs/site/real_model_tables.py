"""The shipped results of E9 as pages have them: the heads of every kind, slopes, flipped weights, few parameters."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float

from docs.site.markdown import table
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import mean_with_spread
from headscope.interp.experiments.e9_real_model.flipped_weights import EDITS, LARGEST
from headscope.interp.experiments.e9_real_model.head_kinds import KINDS
from headscope.interp.experiments.e9_real_model.prompt_collapse import QUESTIONS
from headscope.interp.experiments.e9_real_model.real_model_results import by_course
from headscope.interp.experiments.e9_real_model.real_model_trials import COLLAPSE, FLIPS, HEADS, TRAINING
from headscope.interp.experiments.engine.publishing import shipped

NAMED, RANKED = 5, 10  # heads of a kind, and of the edits


@cache
def real_model_outcome() -> Outcome:
    """What was measured."""
    return shipped("E9").outcome


def kinds_markdown() -> str:
    """Of every kind the best heads, by their mean over the seeds, beside chance; and how many heads are beyond it."""
    heads = real_model_outcome().where(part=HEADS)
    rows = [
        (
            kind,
            best_heads(heads.sample(kind).mean(0)),
            f"{heads.sample(f'{kind}, chance').mean():.3f}",
            f"{heads.sample(f'{kind}, beyond').mean():.0f} of {heads.first('heads')}",
        )
        for kind in KINDS
    ]
    return table(("kind", "the best heads, above chance", "chance:", "beyond chance:"), rows)


def best_heads(above: Float[np.ndarray, "layer head"]) -> str:
    """The best heads with their numbers."""
    return ", ".join(f"{name} {above[place]:.2f}" for name, place in ranked(above, range(len(above)), NAMED))


def ranked(
    number: Float[np.ndarray, "row head"], layers: Sequence[int], count: int
) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names of the heads with the largest numbers, each with its place."""
    for at in number.ravel().argsort()[::-1][:count].tolist():
        row, head = divmod(at, number.shape[1])
        yield f"L{layers[row]}H{head}", (row, head)


def slopes_markdown() -> str:
    """Both slopes of each question, and D(n) over that of unrelated prompts at the first and the last n."""
    rows: list[tuple[str, ...]] = []
    for name in QUESTIONS:
        part = real_model_outcome().where(part=COLLAPSE, question=name)
        slopes = [mean_with_spread(part.sample(number)) for number in ("slope", "unrelated slope")]
        ratio, n = (part.sample("distance") / part.sample("unrelated distance")).mean(0), part.first("n")
        rows.append((f"`{name}`", *slopes, *(f"{ratio[at]:.2g} at n = {n[at]:,}" for at in (0, -1))))
    heads = ("question", "slope of D(n):", "of unrelated prompts:", "D over theirs, first:", "last:")
    return table(heads, rows)


def flips_markdown() -> str:
    """The heads whose largest weights cost most when their signs change, beside the other edits; then the mean head."""
    flips = real_model_outcome().where(part=FLIPS)
    changes = {edit: flips.sample(edit).mean(0) for edit in EDITS}
    rows = [
        (name, *(f"{changes[edit][place]:.4f}" for edit in EDITS))
        for name, place in ranked(changes[LARGEST], flips.first("layers"), RANKED)
    ]
    rows.append(("mean of all", *(f"{changes[edit].mean():.4f}" for edit in EDITS)))
    return table(("head", *(f"{edit}, nats:" for edit in EDITS)), rows)


def courses_markdown() -> str:
    """The losses before and after of every part at every rate."""
    rows = [
        (
            f"{part.first('trained_parameters'):,} {learned}",
            f"{rate:g}",
            mean_with_spread(part.sample("loss_before"), 4),
            mean_with_spread(part.sample("loss_after"), 4),
            mean_with_spread(part.sample("gained")),
        )
        for (learned, rate), part in by_course(real_model_outcome().where(part=TRAINING)).items()
    ]
    return table(("what learns", "rate:", "loss before:", "loss after:", "taken off:"), rows)
