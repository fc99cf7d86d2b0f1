"""A mechanism on and off: what it buys each head of a model, on any prompts."""

from typing import Any, cast

from headscope.interp.asking.analyse import Given, analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.mechanisms.compare import MechanismComparison
from headscope.interp.reading.watch import Progress


def compare_mechanism(
    model: Any,
    prompts: Given,
    without: str | None = None,
    *,
    prepend_bos: bool | None = None,
    watch: Progress | None = None,
) -> MechanismComparison:
    """A hooked model with a mechanism and without, head by head and in all heads at once: its `mechanism` analysis.

    without: "negative", "gate", "temperature", or what the variants of its layers name as theirs (a sink, λ, a forget
    gate); None: the first that the model has. prepend_bos, watch: those of `analyse`. Raises ValueError for a
    mechanism that the model does not have, with those that it has, and for a model of plain softmax.
    """
    choices = Choices(without=without)
    findings = analyse(model, prompts, ["mechanism"], choices=choices, prepend_bos=prepend_bos, watch=watch)
    return cast(MechanismComparison, findings["mechanism"])
