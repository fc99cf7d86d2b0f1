"""Standing out: the heads whose score lies far from its null, and one sentence about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.asking.findings import Findings
from headscope.interp.results.head_score import head_name
from headscope.interp.results.numbers import numbers_per_head

SPREADS = 3.0  # of the null: a head further from it stands out
SILENT = ("detectors", "share", "value")
NAMED = 4  # numbers of a sentence, each with a head
WITHIN = "Far from the null too, but as far as chance may go there: {}. A longer prompt narrows the null of a pattern."


@dataclass(frozen=True)
class HeadNumber:
    """One number of every head, its null, and how far the null varies by chance, each head's own.

    heads: how many there are; layers without attention have none.
    """

    name: str
    value: Float[Tensor, "layer head"]
    null: Float[Tensor, "layer head"]
    spread: Float[Tensor, "layer head"]
    heads: int

    @property
    def away(self) -> Float[Tensor, "layer head"]:
        """How many of the null's spreads the number lies above or below it."""
        return spreads_away(self.value, self.null, self.spread)

    @property
    def stands_out(self) -> Bool[Tensor, "layer head"]:
        """Which heads do."""
        return self.away.abs() > SPREADS

    @property
    def of_most_heads(self) -> bool:
        """Whether more than half of the heads stand out, so that doing so says little of any of them."""
        return 2 * int(self.stands_out.sum()) > self.heads

    @property
    def distance(self) -> Float[Tensor, "layer head"]:
        """From the null, in the number's own unit; 0 where there is none."""
        return (self.value - self.null).abs().nan_to_num(0.0)

    @property
    def words(self) -> str:
        """What it is called in a sentence: the words of its name that say something there."""
        words = " ".join(part for part in self.name.split(".") if part not in SILENT).replace("_", " ").split()
        return " ".join(dict.fromkeys(words))


def head_numbers(findings: Findings, names: Sequence[str]) -> list[HeadNumber]:
    """Of the named numbers those that have a null with a spread, and differ from it.

    Of several prompts the spread is the mean of theirs, wider than that of a mean: no head stands out by it alone.
    """
    numbers = {
        f"{name}.{column}": value for name, item in findings.items() for column, value in numbers_per_head(item).items()
    }
    triples = [(name, null_name(name), null_name(name, "_null_spread")) for name in names]
    without = len(findings.facts.layer_variants) - len(findings.facts.head_layers)
    known = [
        HeadNumber(of[0], *(numbers[at] for at in of), heads=(len(numbers[of[0]]) - without) * numbers[of[0]].shape[1])
        for of in triples
        if {*of} <= numbers.keys()
    ]
    return [number for number in known if number.away.any()]


def spreads_away(
    value: Float[Tensor, "*head"], null: Float[Tensor, "*head"], spread: Float[Tensor, "*head"]
) -> Float[Tensor, "*head"]:
    """(value − null) / spread; 0 where the null has no spread, and where one of them is no number."""
    apart = (value.double() - null.double()) / spread.double()
    return apart.where(torch.isfinite(apart) & (spread > 0), 0.0)


def null_name(name: str, ending: str = "_null") -> str:
    """analysis.field.label -> analysis.field_null.label."""
    analysis, field, *label = name.split(".", 2)
    return ".".join([analysis, f"{field}{ending}", *label])


def standing_out_in_words(findings: Findings, names: Sequence[str]) -> str:
    """How many heads stand out and in what; then heads whose null is too wide for that; "" where there is no number."""
    numbers = head_numbers(findings, names)
    if not numbers:
        return ""
    wide = sorted(filter(has_wide_null, numbers), key=lambda item: float(item.distance.max()), reverse=True)
    sentences = [how_many_in_words(numbers)]
    sentences += [WITHIN.format(parts_in_words([head_in_words(item, item.distance) for item in wide]))] if wide else []
    return " ".join(sentences)


def how_many_in_words(numbers: Sequence[HeadNumber]) -> str:
    """How many heads stand out, and in which numbers; where most heads do in a number, it singles out none of them."""
    telling = [number for number in numbers if number.stands_out.any()]
    heads = numbers[0].heads
    if not telling:
        return f"None of {heads} heads stands out: every number lies within {SPREADS:g} spreads of its null."
    rare = [item for item in telling if not item.of_most_heads] or telling
    count = int(torch.stack([item.stands_out for item in rare]).any(0).sum())
    verb = "stands" if count == 1 else "stand"
    sentence = f"{count} of {heads} heads {verb} out, more than {SPREADS:g} spreads from a null: "
    sentence += parts_in_words([outlier_heads_in_words(item) for item in rare]) + "."
    most = [outlier_heads_in_words(item) for item in telling if item not in rare]
    return f"{sentence} Most heads are that far from the null of: {parts_in_words(most)}." if most else sentence


def has_wide_null(number: HeadNumber) -> bool:
    """Whether the head furthest from the null in the number's own unit does not stand out: its own null is wide."""
    return not bool(number.stands_out.flatten()[number.distance.argmax()])


def outlier_heads_in_words(number: HeadNumber) -> str:
    """How many heads stand out in a number, and the furthest of them."""
    return f"{int(number.stands_out.sum())} in {head_in_words(number, number.distance * number.stands_out)}"


def standing_out_of_each(models: Sequence[Findings], names: Sequence[str]) -> list[str]:
    """standing_out_in_words of every model that has such a sentence; of several the model's name comes first."""
    words = {item.model: standing_out_in_words(item, names) for item in models}
    return [f"{model}: {line}" if len(words) > 1 else line for model, line in words.items() if line]


def head_in_words(number: HeadNumber, rank: Float[Tensor, "layer head"]) -> str:
    """The head of the highest rank, with its number, the null and the null's spread."""
    layer, head = divmod(int(rank.argmax()), rank.shape[1])
    value, null, spread = (float(item[layer, head]) for item in (number.value, number.null, number.spread))
    return f"{number.words} ({head_name(layer, head)} {value:.2f}, null {null:.2f} ± {spread:.2f})"


def parts_in_words(parts: Sequence[str]) -> str:
    """The first NAMED, and how many more there are."""
    more = f" and {len(parts) - NAMED} more numbers" * (len(parts) > NAMED)
    return ", ".join(parts[:NAMED]) + more.replace("1 more numbers", "1 more number")
