"""Report heads: the table of heads as HTML, numbers under the analysis that they come from; it scrolls by itself."""

import html
from itertools import groupby

from headscope.interp.asking.findings import Findings
from headscope.interp.results.head_score import head_name

HEADS_STYLE = """
.heads { overflow: auto; max-height: 85vh; border: 1px solid #e2e4ec; }
.heads table { border-collapse: separate; border-spacing: 0; font-size: 13px; font-variant-numeric: tabular-nums; }
.heads th, .heads td { padding: 3px 9px; text-align: right; border-bottom: 1px solid #e2e4ec; white-space: nowrap; }
.heads thead { position: sticky; top: 0; z-index: 2; }
.heads thead th, .heads .at { background: #f4f5f9; font-weight: 600; }
.heads .first { border-left: 2px solid #c3c7d6; }
.heads .over { text-align: left; } .heads .over span { position: sticky; left: 11rem; }
.heads .at { position: sticky; left: 0; z-index: 1; text-align: left; min-width: 9rem; }
"""
ABSENT = "–"


def heads_html(findings: Findings) -> str:
    """A row per head; analyses above their fields, and head and variant always in sight."""
    frame = findings.to_frame()
    names = list(frame.columns[3:])
    groups = [(analysis, len(list(of))) for analysis, of in groupby(names, key=analysis_of)]
    starts = {next(name for name in names if analysis_of(name) == analysis) for analysis, _ in groups}
    over = "".join(
        f"<th class='over first' colspan='{n}'><span>{name_in_words(analysis)}</span></th>" for analysis, n in groups
    )
    fields = "".join(f"<th{first(name in starts)}>{name_in_words(name.split('.', 1)[1])}</th>" for name in names)
    head = f"<tr><th class='at' rowspan='2'>head</th>{over}</tr><tr>{fields}</tr>"
    rows = "".join(
        f"<tr><th class='at'>{head_name(layer, at)} {html.escape(variant)}</th>"
        + "".join(
            f"<td{first(name in starts)}>{cell_number(item)}</td>" for name, item in zip(names, numbers, strict=True)
        )
        + "</tr>"
        for layer, at, variant, *numbers in frame.itertuples(index=False)
    )
    return f"<div class='heads'><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def analysis_of(name: str) -> str:
    """analysis.field -> analysis."""
    return name.split(".")[0]


def name_in_words(name: str) -> str:
    """A name as words."""
    return html.escape(name.replace("_", " ").replace(".", ": "))


def first(is_first: bool) -> str:
    """A line before the first column of an analysis."""
    return " class='first'" if is_first else ""


def cell_number(number: object) -> str:
    """Four digits after the point."""
    if number != number:
        return ABSENT
    return f"{number:.4f}" if isinstance(number, float) else str(number)
