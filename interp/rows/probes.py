"""The rows of row statistics in the table of analyses: measured while the model runs, no pattern kept."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.reading.size import LOOK, Size
from headscope.interp.reading.watch import Watch
from headscope.interp.rows.curves import RowCurves
from headscope.interp.rows.heads import HeadRows, head_rows
from headscope.interp.rows.of_model import model_row_curves
from headscope.models.attention import VARIANTS


def curves(request: AnalysisRequest, watch: Watch) -> RowCurves:
    """Row curves of one prompt."""
    [prompt] = request.prompts
    return model_row_curves(request.model, prompt)


def means(request: AnalysisRequest, watch: Watch) -> HeadRows:
    """Head means of one prompt's rows."""
    return head_rows(curves(request, watch))


def pullbacks(size: Size) -> int:
    """A pullback per key and row where a variant has no closed form of its Jacobian's norm."""
    layers = sum(name in VARIANTS and VARIANTS[name].slope is None for name in size.facts.layer_variants)
    return sum(layers * size.facts.heads * length**3 // 2 * LOOK for length in size.lengths)


PROBES = (
    Probe(
        "row_statistics",
        "how sharp, how far and how negative the rows of every head are, and how they answer to their scores",
        means,
        of_rows=True,
        cost=pullbacks,
        per_head=True,
        telling={"normalised_entropy": 9},
        of_signs=("negative_mass", "minority_mass"),
        first="entropy",
    ),
    Probe(
        "row_curves",
        "the row statistics of every head by the position of the query",
        curves,
        of_rows=True,
        over_tokens=True,
        cost=pullbacks,
    ),
)
