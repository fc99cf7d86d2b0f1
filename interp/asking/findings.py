"""Findings: the results of several analyses of one model, with the table of its heads."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

from headscope.interp.asking.averaged import AveragedResult
from headscope.interp.asking.head_columns import HeadColumns, head_columns
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.result import Result
from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names

if TYPE_CHECKING:
    import pandas as pd

Kind = TypeVar("Kind", bound=Result)
PICTURE = 420  # pixels of its width


@dataclass(frozen=True, repr=False)
class Findings(Mapping[str, Result]):
    """Name of an analysis -> its result (over several prompts: the mean; `spread` holds the standard deviations).

    questions: what each of them answers. left_out: the analyses that have nothing to say here, and why. costly: those
    that were not run because they take long and nobody named them, with an estimate in seconds.
    """

    model: str
    facts: ModelFacts
    prompts: tuple[Prompt, ...]
    results: Mapping[str, Result]
    spread: Mapping[str, Result]
    choices: Fields = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    costly: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Result:
        if name not in self.results:
            there_are = known_names(name, self.results)
            raise KeyError(f"{name} was not analysed; there are: {there_are}")
        return self.results[name]

    def of(self, name: str, kind: type[Kind]) -> Kind:
        """The result of an analysis as the record that it is. Raises TypeError where it is another."""
        result = self[name]
        if not isinstance(result, kind):
            raise TypeError(f"{name} is a {type(result).__name__}, not a {kind.__name__}")
        return result

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def to_frame(self) -> "pd.DataFrame":
        """The table of heads: a row per head, a column per number that every head has, named `analysis.field`."""
        import pandas as pd

        return pd.DataFrame(self.head_columns())

    def head_columns(self) -> HeadColumns:
        """The table of heads as columns by name: layer, head, attention, then `analysis.field`."""
        return head_columns(self.results, self.facts)

    def to_csv(self) -> str:
        """The table of heads as CSV."""
        return self.to_frame().to_csv(index=False)

    def to_json(self) -> Fields:
        """Plain values with stable keys."""
        return {
            "model": self.model,
            "facts": {item.name: getattr(self.facts, item.name) for item in fields(ModelFacts)},
            "prompts": [dict(prompt.to_json()) for prompt in self.prompts],
            "choices": dict(self.choices),
            "left_out": dict(self.left_out),
            "costly_seconds": dict(self.costly),
            "analyses": {name: self._of(name) for name in self.results},
        }

    def left_out_in_words(self) -> list[str]:
        """What was left out, a line for each reason."""
        names_of: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            names_of.setdefault(reason, []).append(name)
        return [f"{', '.join(names)}: {'each' if names[1:] else 'it'} {why}" for why, names in names_of.items()]

    def __repr__(self) -> str:
        return f"Findings({self._subject()}: {', '.join(self.results)})"

    def _repr_html_(self) -> str:
        """For Jupyter: what was analysed, what each analysis answers, its picture, and how to draw it of `found`."""
        rows = "".join(_row(name, self.questions.get(name, ""), result) for name, result in self.results.items())
        head = "<tr><th>analysis</th><th>what it says</th><th>its figure</th></tr>"
        heads = "all numbers of its heads: <code>found.to_frame()</code>"
        return f"<p>{html.escape(self._subject())}; {heads}</p><table>{head}{rows}</table>"

    def _subject(self) -> str:
        count = len(self.prompts)
        return f"{self.model}, {count} prompt{'s' * (count != 1)}"

    def _of(self, name: str) -> Fields:
        result = self.results[name]
        if name not in self.spread:
            return result.to_json()
        return AveragedResult(result, self.spread[name], len(self.prompts)).to_json()


class Interruption(KeyboardInterrupt):
    """An analysis that was stopped; findings: of what was finished by then."""

    def __init__(self, findings: Findings) -> None:
        finished = ", ".join(findings) or "nothing"
        super().__init__(f"stopped; finished, and in the findings of this exception: {finished}")
        self.findings = findings


def _row(name: str, question: str, result: Result) -> str:
    code = f"<code>found[{html.escape(repr(name))}].figure()</code>"
    cells = (html.escape(name), html.escape(question), f"{result.figure().picture_html(PICTURE)}<br>{code}")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
