"""The rows of row statistics in the table of analyses: measured while the model runs, no pattern kept."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.size import LOOK, Size
from headscope.interp.reading.watch import Watch
from headscope.interp.rows.curves import RowCurves
from headscope.interp.rows.heads import HeadRows, head_rows
from headscope.interp.rows.missing_mass import MissingMass, missing_mass
from headscope.interp.rows.of_model import model_row_curves
from headscope.models.attention import VARIANTS
from headscope.models.attention.table import leaves_mass


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


def into_nothing(request: AnalysisRequest, watch: Watch) -> MissingMass:
    """What rows of one prompt keep from every token."""
    [prompt] = request.prompts
    return missing_mass(request.model, prompt)


def none_leaves(facts: ModelFacts) -> str:
    """Why nothing can be missing of a row, as the end of a sentence, or nothing."""
    if any(map(leaves_mass, facts.layer_variants)):
        return ""
    return "asks what a row keeps from all tokens, and no layer of this model has rows that may sum to less than 1"


PROBES = (
    Probe(
        "missing_mass",
        "how much of its rows a head gives to no {token} at all",
        into_nothing,
        unfit=none_leaves,
        per_head=True,
        telling={"mass": 6},
        row_laws="sub-stochastic alone; refused elsewhere",
    ),
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
        row_laws="any: sharpness is that of |a| / Σ|a|, and the signed sum says what rows add up to",
    ),
    Probe(
        "row_curves",
        "the row statistics of every head by the position of the query",
        curves,
        of_rows=True,
        over_tokens=True,
        cost=pullbacks,
        row_laws="any, as row_statistics",
    ),
)
