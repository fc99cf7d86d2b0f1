"""The analyses as pages have them: of each its question, law, unit, null, gauge, source and cost, as the code says."""

from collections.abc import Sequence
from dataclasses import dataclass

from docs.site.markdown import code, prose, table
from headscope import Choices, load
from headscope.interp.analysis import Analysis, Probe
from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.applicable import misfits
from headscope.interp.asking.computed import results_by_analysis
from headscope.interp.asking.costs import passes, request_size
from headscope.interp.asking.table import ANALYSES
from headscope.interp.results.about import About
from headscope.models.hosts.words import TEXT_WORDS
from headscope.models.zoo import folder

PROMPT, CORRUPT = "def add(self, name): self.name =", "def add(self, path): self.path ="
ASKED = Choices(corrupt=CORRUPT, target=" name", distractor=" path", run=folder("cog"))
MODELS = ("cog", "selective", "sink")  # with signed weights, where most gauges are; temperatures; mass into nothing


@dataclass(frozen=True)
class SeenAnalysis:
    """A row of the table with what its result says of itself, and its cost in forward passes over the prompt."""

    row: Analysis | Probe
    about: About
    cost: float

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in the table of all."""
        name, question = self.row.name, self.row.question(TEXT_WORDS)
        return f"[{name}](#{name})", question, prose(self.about.unit), cost_in_words(self.cost)

    @property
    def section(self) -> str:
        """All that is known of it before it is run."""
        facts = {
            "Question": self.row.question(TEXT_WORDS),
            "What it says": prose(self.about.plain),
            "Law": prose(self.about.law),
            "Unit": prose(self.about.unit),
            "Null": prose(self.about.null) or "none",
            "Rows of weights that it reads": prose(self.row.row_laws),
            "Changed by gauge": gauges(self.about) or "nothing",
            "Assumes": ", ".join(self.about.assumes).replace("_", " "),
            "Source": prose(self.about.source),
            "Cost": f"{cost_in_words(self.cost)} forward passes over the prompt, beside the one that all share",
            "Reads": code(f"Choices({name}=…)" for name in self.row.reads),
        }
        rows = [(name, text) for name, text in facts.items() if text]
        return f"## {self.row.name}\n\n" + table(("", ""), rows)


def analyses_markdown() -> str:
    """A table of all, and a section of each. Every one is run, on shipped models, to ask what it says of itself."""
    seen: dict[str, SeenAnalysis] = {}
    for model in MODELS:
        seen |= seen_analyses(model, [row for row in ANALYSES.values() if row.name not in seen])
    if missing := ANALYSES.keys() - seen.keys():
        raise ValueError(f"no result of {', '.join(sorted(missing))}: name in MODELS a model that has one")
    rows = [seen[name] for name in ANALYSES]
    heads = ("analysis", "question", "unit", "passes:")
    return "\n".join([table(heads, (row.cells for row in rows)), *(row.section for row in rows)])


def seen_analyses(name: str, rows: Sequence[Analysis | Probe]) -> dict[str, SeenAnalysis]:
    """Those of the rows that fit a shipped model, by name."""
    request = asked_of(load(name), [PROMPT], ASKED, None)
    size, left_out = request_size(request), misfits(rows, request)
    fitting = {row.name: row for row in rows if row.name not in left_out}
    results = results_by_analysis([*fitting.values()], request, 8, lambda stage, done, total: None)
    abouts = {analysis: of_prompts[0].about.said_with(TEXT_WORDS) for analysis, of_prompts in results}
    return {name: SeenAnalysis(fitting[name], about, passes(fitting[name], size)) for name, about in abouts.items()}


def gauges(about: About) -> str:
    """The fields that each change of weights changes, which leaves the model's function alone."""
    return "; ".join(f"{gauge}: {code(names)}" for gauge, names in about.by_gauge.items())


def cost_in_words(cost: float) -> str:
    """How many forward passes, roughly."""
    return "under 0.1" if cost < 0.1 else f"{cost:.1f}" if cost < 10 else f"{cost:.0f}"
