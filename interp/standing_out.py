"""Standing out: the heads whose score lies far from its null, and one sentence about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.figures.canvas import head_name
from interp.findings import Findings
from interp.numbers import per_head

SPREADS = 3.0  # of the null: a head further from it stands out
SILENT = ("detectors", "share", "value")
NAMED = 4  # heads of the first sentence
# The numbers that say most of a head, as analysis.field or analysis.field.label.
TELLING = (
    "deletion.net_copy",
    "decision_plane.dynamic",
    "detectors.share.previous token",
    "interventions.kl.zero",
    "detectors.share.induction",
    "copying.magnitude",
    "negative_mass.minority_mass",
    "decision_plane.static",
    "row_statistics.normalised_entropy",
    "prompt_copying.copying",
)


@dataclass(frozen=True)
class HeadNumber:
    """One number of every head beside its null; away: how many of the null's spreads it lies above or below it."""

    name: str
    value: Float[Tensor, "layer head"]
    null: Float[Tensor, "layer head"]
    away: Float[Tensor, "layer head"]

    @property
    def stands_out(self) -> Tensor:
        """Which heads do."""
        return self.away.abs() > SPREADS

    @property
    def words(self) -> str:
        """What it is called in a sentence: the words of its name that say something there."""
        return " ".join(one for one in self.name.split(".") if one not in SILENT).replace("_", " ")


def head_numbers(findings: Findings, names: Sequence[str] = TELLING) -> list[HeadNumber]:
    """Of the named numbers those that have a null with a spread that can differ."""
    numbers = {f"{name}.{column}": value for name, one in findings.items() for column, value in per_head(one).items()}
    return [
        HeadNumber(name, numbers[name], numbers[null], away)
        for name in names
        if name in numbers and {null := null_name(name), spread := null_name(name, "_null_spread")} <= numbers.keys()
        if (away := spreads_away(numbers[name], numbers[null], numbers[spread])).abs().nansum() > 0
    ]


def spreads_away(
    value: Float[Tensor, "layer head"], null: Float[Tensor, "layer head"], spread: Float[Tensor, "layer head"]
) -> Float[Tensor, "layer head"]:
    """(value − null) / spread; 0 where the null has no spread, and where one of them is no number."""
    apart = (value.double() - null.double()) / spread.double()
    return apart.where(torch.isfinite(apart) & (spread > 0), 0.0)


def null_name(name: str, ending: str = "_null") -> str:
    """analysis.field.label -> analysis.field_null.label."""
    analysis, field, *label = name.split(".", 2)
    return ".".join([analysis, f"{field}{ending}", *label])


def standing_out_in_words(findings: Findings, names: Sequence[str] = TELLING) -> str:
    """How many heads stand out, and of each number the head furthest from its null; "" where there is no number."""
    numbers = head_numbers(findings, names)
    if not numbers:
        return ""
    standing = torch.stack([one.stands_out for one in numbers]).any(0)
    count, heads = int(standing.sum()), standing.numel()
    if not count:
        return f"None of {heads} heads stands out: every number lies within {SPREADS:g} spreads of its null."
    furthest = [head_in_words(one) for one in numbers if one.stands_out.any()][:NAMED]
    return f"{count} of {heads} heads stand{'s' * (count == 1)} out: {', '.join(furthest)}."


def standing_out_of_each(models: Sequence[Findings], names: Sequence[str] = TELLING) -> list[str]:
    """standing_out_in_words of every model that has such a sentence; of several the model's name comes first."""
    words = {one.model: standing_out_in_words(one, names) for one in models}
    return [f"{model}: {line}" if len(words) > 1 else line for model, line in words.items() if line]


def head_in_words(number: HeadNumber) -> str:
    """The head that stands out most, with its number and the null."""
    apart = (number.value - number.null).abs().where(number.stands_out, -1.0)
    layer, head = divmod(int(apart.argmax()), apart.shape[1])
    value, null = float(number.value[layer, head]), float(number.null[layer, head])
    return f"{head_name(layer, head)} {number.words} {value:.2f} (null {null:.2f})"
