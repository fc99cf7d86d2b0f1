"""Report: the findings of one model, or of two side by side, as one HTML page that needs no network."""

import html
from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from interp.findings import Findings
from interp.result import Result

HEIGHT = 480
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2030; margin: 2rem auto; max-width: 1500px; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 0.2rem; }
.note { color: #5b6070; margin: 0.1rem 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(520px, 1fr)); gap: 1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 9px; text-align: right; border-bottom: 1px solid #e2e4ec; white-space: nowrap; }
pre { background: #f4f5f9; padding: 0.8rem; border-radius: 8px; white-space: pre-wrap; }
.gauge { color: #9a3412; }
"""


def report(models: Sequence[Findings]) -> str:
    """One self-contained page: what was asked, a figure of every analysis, and the table of heads of each model."""
    title = "headscope: " + " and ".join(one.model for one in models)
    names = list(dict.fromkeys(name for one in models for name in one))
    body = [_introduction(one) for one in models]
    body += [_section(name, [(one.model, one[name]) for one in models if name in one]) for name in names]
    body += [_table(one) for one in models]
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    script = f"<script>{get_plotlyjs()}</script>"
    page = f"<head>{head}{script}</head><body><h1>{html.escape(title)}</h1>{''.join(body)}</body>"
    return f'<!doctype html><html lang="en">{page}</html>'


def _introduction(findings: Findings) -> str:
    facts = findings.facts
    sizes = f"{len(facts.layer_variants)} layers of {facts.heads} heads, d_model {facts.d_model}"
    prompts = [html.escape("".join(one.strings)) for one in findings.prompts[:3]]
    more = f"<p class='note'>and {len(findings.prompts) - 3} more prompts</p>" if len(findings.prompts) > 3 else ""
    shown = "".join(f"<pre>{prompt}</pre>" for prompt in prompts) + more
    return f"<h2>{html.escape(findings.model)}</h2><p>{facts.variant} attention ({facts.paper}); {sizes}</p>{shown}"


def _section(name: str, results: list[tuple[str, Result]]) -> str:
    shown = [f"<div><p class='note'>{html.escape(model)}</p>{_figure(result)}</div>" for model, result in results]
    title = html.escape(name.replace("_", " "))
    return f"<section><h2>{title}</h2>{_about(results[0][1])}<div class='pair'>{''.join(shown)}</div></section>"


def _about(result: Result) -> str:
    about = result.about
    lines = [f"{about.law} · unit: {about.unit} · source: {about.source}"]
    lines += [f"null: {about.null}"] if about.null else []
    lines += [f"assumes: {', '.join(about.assumes)}"] if about.assumes else []
    words = "".join(f"<p class='note'>{html.escape(line)}</p>" for line in lines)
    if not about.gauge_dependent:
        return words
    fields = html.escape(", ".join(about.gauge_dependent))
    return (
        f"{words}<p class='note gauge'>gauge-dependent (a flip that leaves the model alone changes them): {fields}</p>"
    )


def _figure(result: Result) -> str:
    figure = result.figure()
    height = f"{figure.to_dict()['layout'].get('height', HEIGHT)}px"
    choices = {"displaylogo": False, "responsive": True}
    return figure.to_html(full_html=False, include_plotlyjs=False, default_height=height, config=choices)


def _table(findings: Findings) -> str:
    rows = findings.to_frame().to_html(index=False, escape=True, float_format="{:.4f}".format, na_rep="–", border=0)
    return f"<h2>Heads of {html.escape(findings.model)}</h2><div class='scroll'>{rows}</div>"
