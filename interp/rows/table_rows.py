"""The analyses of row statistics: what the table of analyses holds of this folder."""

from dataclasses import replace

from interp.activations import SCORES, Activations
from interp.analysis import Analysis, Setting
from interp.rows.curves import RowCurves, row_curves
from interp.rows.heads import HeadRows, head_rows

PATTERN = "attn.hook_pattern"


def row_curves_of(setting: Setting, activations: Activations) -> RowCurves:
    """Row curves of one prompt."""
    if activations.visible is None:
        raise ValueError(f"row statistics need {SCORES} gathered, which says what each query sees")
    curves = row_curves(activations[PATTERN], activations[SCORES], activations.visible, setting.facts.layer_variants)
    return replace(curves, labels={"query": activations.tokens.strings})


def head_rows_of(setting: Setting, activations: Activations) -> HeadRows:
    """Head means of one prompt's rows."""
    return head_rows(row_curves_of(setting, activations))


ROWS = (
    Analysis(
        "row_statistics",
        "how sharp, how far and how negative the rows of every head are, and how they answer to their scores",
        (PATTERN, SCORES),
        head_rows_of,
    ),
    Analysis(
        "row_curves",
        "the row statistics of every head by the position of the query",
        (PATTERN, SCORES),
        row_curves_of,
        over_tokens=True,
    ),
)
