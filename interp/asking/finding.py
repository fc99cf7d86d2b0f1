"""Finding: a measure of a model that `analyse` knows, by name."""

from collections.abc import Mapping, Sequence

from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.result import Result
from headscope.interp.trajectories.measures import Measure
from headscope.interp.trajectories.named_numbers import named_numbers


def finding(
    prompts: str | Sequence[str] | Sequence[Prompt],
    *names: str,
    head: tuple[int, int] | None = None,
    choices: Choices = Choices(),  # noqa: B008
    prepend_bos: bool | None = None,
) -> Measure:
    """Numbers that `analyse` finds, each named analysis.field or analysis.field.label: the mean of all in it.

    head: a layer and a head of it, for the number of that head alone where every head has one; those that are NaN are
    left out of a mean. choices, prepend_bos: those of `analyse`.
    """

    def analyses_of(model: HookedModel, analyses: list[str]) -> Mapping[str, Result]:
        return analyse(model, prompts, analyses, choices=choices, prepend_bos=prepend_bos)

    return named_numbers(analyses_of, names, head)
