"""The one-page report of an experiment: its verdicts, its figures, its numbers, in an HTML page without a network."""

import html
from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import RULE, Verdict, reason_of
from headscope.interp.experiments.engine.experiment import Experiment
from headscope.interp.report.page import STYLE, figure_html
from headscope.interp.results.result import Result
from headscope.models.fitting.machine import machine_words

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
    """Source, size, seeds, machine and notes."""
    numbers = ", ".join(f"{name} {value}" for name, value in outcome.numbers_of_size.items())
    minutes = sum(trial.seconds for trial in outcome.trials) / 60
    return [
        f"Source: {experiment.source}",
        f"Size {outcome.size!r}: {numbers}; seeds: {outcome.seeds}; trials: {len(outcome.trials)}, "
        f"{minutes:.0f} minutes on {machine_words(dict(outcome.machine))}",
        experiment.notes,
    ]


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Claim, paper, ours, the interval and the bound that it is judged by, answer."""
    rows = "".join(
        f"<tr><td>{html.escape(verdict.claim)}</td><td>{html.escape(verdict.paper)}</td><td>{html.escape(verdict.ours)}</td>"
        f"<td>{html.escape(reason_of(verdict.answer))}</td><td class='answer'>{verdict.answer}</td></tr>"
        for verdict in verdicts
    )
    names = ("claim", "the paper", "here", "what is judged: 95 % on each side, bound", "answer")
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>{rows}</table>"


def section(name: str, result: Result) -> str:
    """A result with its figure and what it is."""
    about = result.about
    words = html.escape(f"{about.plain} {about.law} · unit: {about.unit} · source: {about.source}".strip())
    return f"<section id='{html.escape(name)}'><p class='note'>{words}</p>{figure_html(result.figure())}</section>"
