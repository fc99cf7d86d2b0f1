"""The one-page report of an experiment: its verdicts, its figures, its numbers, in an HTML page without a network."""

import html
from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from headscope.interp.arms.evidence import reason_of
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import RULE, Verdict, answer_in_words
from headscope.interp.experiments.engine.experiment import Experiment
from headscope.interp.figures.palette.answers import answer_colour
from headscope.interp.report.page import STYLE, figure_html
from headscope.interp.results.result import Result
from headscope.models.fitting.machine import UNKNOWN, machine_words

KIND_OF_RUN = ("torch", "torch_build", "cpu", "commit")  # what a run must share with another to be equal bit for bit
MORE = """
table { border-collapse: collapse; margin: 0.6rem 0; } th, td { padding: 0.3rem 0.8rem; text-align: left; }
th, td { border-bottom: 1px solid #d9dce5; vertical-align: top; }
.answer { font-weight: 600; white-space: nowrap; }
"""


def experiment_report(experiment: Experiment, outcome: Outcome) -> str:
    """The page."""
    title = html.escape(f"{experiment.name}: {experiment.title}")
    body = [
        f"<h1>{title}</h1>",
        *(f"<p class='note'>{html.escape(line)}</p>" for line in outcome_facts(experiment, outcome)),
    ]
    body += ["<h2>Claims</h2>", verdict_table(experiment.judge(outcome)), f"<p class='note'>{html.escape(RULE)}</p>"]
    body += [section(name, result) for name, result in experiment.results(outcome).items()]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}{MORE}</style>'
    script = f"<script>{get_plotlyjs()}</script>"
    return f'<!doctype html><html lang="en"><head>{head}{script}</head><body>{"".join(body)}</body></html>'


def outcome_facts(experiment: Experiment, outcome: Outcome) -> list[str]:
    """Source, set-up, size, seeds, machine, version of the measure, and notes."""
    numbers = ", ".join(f"{name} {value}" for name, value in outcome.numbers_of_size.items())
    kind = ", ".join(f"{name} {outcome.machine.get(name, UNKNOWN)}" for name in KIND_OF_RUN)
    minutes = sum(trial.seconds for trial in outcome.trials) / 60
    return [
        f"Source: {experiment.source}; {experiment.setting}",
        f"Size {outcome.size!r}: {numbers}; seeds: {outcome.seeds}; trials: {len(outcome.trials)}, "
        f"{minutes:.0f} minutes on {machine_words(dict(outcome.machine))}",
        f"Version {outcome.version} of its measure; {kind}",
        experiment.notes,
    ]


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Claim, paper, ours, the interval and the bound that it is judged by, answer."""
    names = ("claim", "the paper", "here", "what is judged: 95 % on each side, bound", "answer")
    rows = "".join(map(verdict_row, verdicts))
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>{rows}</table>"


def verdict_row(verdict: Verdict) -> str:
    """A row of the table; the answer's colour stands before its word."""
    *cells, answer = map(html.escape, detail_cells(verdict))
    style = f"border-left: 0.3rem solid {answer_colour(verdict.answer)}"
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}<td class='answer' style='{style}'>{answer}</td></tr>"


def detail_cells(verdict: Verdict) -> tuple[str, ...]:
    """Claim, paper, here, the interval with what is said beside it, and the answer in words."""
    return verdict.claim, verdict.paper, verdict.ours, reason_of(verdict.answer), answer_in_words(verdict.answer)


def section(name: str, result: Result) -> str:
    """A result with its figure and what it is."""
    about = result.about
    words = html.escape(f"{about.plain} {about.law} · unit: {about.unit} · source: {about.source}".strip())
    return f"<section id='{html.escape(name)}'><p class='note'>{words}</p>{figure_html(result.figure())}</section>"
