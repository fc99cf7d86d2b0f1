"""Report: the findings of one model, or of two side by side, as one HTML page that needs no network."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from plotly.offline import get_plotlyjs

from headscope.interp.asking.findings import Findings
from headscope.interp.asking.listed_rows import telling_numbers
from headscope.interp.asking.standing_out import standing_out_of_each
from headscope.interp.figures.drawing.shared_scales import on_shared_scales
from headscope.interp.figures.palette.colours import MEANINGS
from headscope.interp.report.heads import HEADS_STYLE, heads_html
from headscope.interp.report.introduction import introduction, note_paragraphs
from headscope.interp.results.about import About

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 480
FIRST = "patterns"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2030; margin: 2rem auto; max-width: 1500px; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 0.2rem; }
.question { margin: 0.1rem 0; } .note { color: #5b6070; margin: 0.1rem 0; }
.figures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
@media (min-width: 1100px) { .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
pre { background: #f4f5f9; padding: 0.8rem; border-radius: 8px; white-space: pre-wrap; margin: 0.4rem 0; }
nav ul { columns: 2 480px; column-gap: 2.5rem; padding-left: 1.2rem; } nav li { break-inside: avoid; }
a { color: #1d4ed8; }
"""
GAUGE_STYLE = f".gauge {{ color: {MEANINGS['depends on the gauge']}; }}"


def report(models: Sequence[Findings]) -> str:
    """One self-contained page: what stands out, what was asked, all patterns, every analysis, the tables of heads.

    The figures of an analysis of two models share their colours and their y axis.
    """
    title = "headscope: " + " and ".join(item.model for item in models)
    questions = {name: words for item in models for name, words in item.questions.items()}
    names = list(dict.fromkeys(name for item in models for name in item))
    first, rest = [name for name in names if name == FIRST], [name for name in names if name != FIRST]
    body = [_standing_out(models), *(introduction(item) for item in models)]
    body += [_section(name, questions.get(name, ""), models) for name in first]
    body += [_contents({name: questions.get(name, "") for name in rest}, models)]
    body += [_section(name, questions.get(name, ""), models) for name in rest]
    body += [_heads(at, item) for at, item in enumerate(models)]
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}{GAUGE_STYLE}{HEADS_STYLE}</style>'
    script = f"<script>{get_plotlyjs()}</script>"
    page = f"<head>{head}{script}</head><body><h1>{html.escape(title)}</h1>{''.join(body)}</body>"
    return f'<!doctype html><html lang="en">{page}</html>'


def _standing_out(models: Sequence[Findings]) -> str:
    """Which heads stand out, in words, a paragraph for each model."""
    return "".join(f"<p><b>{html.escape(line)}</b></p>" for line in standing_out_of_each(models, telling_numbers()))


def _contents(questions: Mapping[str, str], models: Sequence[Findings]) -> str:
    lines = [f"<a href='#{html.escape(name)}'>{_words(name)}</a> {html.escape(q)}" for name, q in questions.items()]
    lines += [f"<a href='#heads-{at}'>Heads of {html.escape(item.model)}</a>" for at, item in enumerate(models)]
    return f"<nav><h2>Contents</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul></nav>"


def _section(name: str, question: str, models: Sequence[Findings]) -> str:
    result = [item for item in models if name in item]
    figures = [item[name].figure() for item in result]
    on_shared_scales(figures)
    pairs = zip(result, figures, strict=True)
    shown = "".join(f"<div>{note_paragraphs([item.model])}{figure_html(figure)}</div>" for item, figure in pairs)
    about = _about([item[name].about for item in result])
    heading = f"<h2>{_words(name)}</h2><p class='question'>{html.escape(question)}</p>{about}"
    side_by_side = "figures pair" if len(result) > 1 else "figures"
    return f"<section id='{html.escape(name)}'>{heading}<div class='{side_by_side}'>{shown}</div></section>"


def _words(name: str) -> str:
    return html.escape(name.replace("_", " "))


def _about(abouts: Sequence[About]) -> str:
    about, *_ = abouts
    lines = [about.plain, f"{about.law} · unit: {about.unit} · source: {about.source}"]
    lines += [f"null: {about.null}"] if about.null else []
    lines += [f"assumes: {', '.join(about.assumes)}"] if about.assumes else []
    free = dict.fromkeys(field for item in abouts for field in item.gauge_dependent)
    if not free:
        return note_paragraphs(lines)
    fields = html.escape(", ".join(free))
    words = f"gauge-dependent (a change of weights that leaves the model's function alone changes them): {fields}"
    return f"{note_paragraphs(lines)}<p class='note gauge'>{words}</p>"


def figure_html(figure: "go.Figure") -> str:
    """A figure as a part of a page that holds plotly already."""
    height = f"{figure.to_dict()['layout'].get('height', HEIGHT)}px"
    choices = {"displaylogo": False, "responsive": True}
    return figure.to_html(full_html=False, include_plotlyjs=False, default_height=height, config=choices)


def _heads(at: int, findings: Findings) -> str:
    return f"<h2 id='heads-{at}'>Heads of {html.escape(findings.model)}</h2>{heads_html(findings)}"
