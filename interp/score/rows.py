"""The row of scores in the table of analyses."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.reading.watch import Watch
from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import ScoreParts, cell_of
from headscope.interp.score.read_parts import unsplit_words


def score_parts_of_request(request: AnalysisRequest, watch: Watch) -> ScoreParts:
    """Those of the chosen cell, or of the strongest."""
    [prompt] = request.prompts
    cell = request.choices.get("cell")
    return score_parts(request.model, prompt, None if cell is None else cell_of(str(cell)))


PROBES = (
    Probe(
        "score_parts",
        "Why a head looks from one {token} at another: its score by what query and key are made of.",
        score_parts_of_request,
        over_tokens=True,
        missing=lambda request: unsplit_words(request.model),
        matrices=("W_Q", "W_K", "W_O"),
        cost=lambda size: size.pass_over_prompts(),
        reads=("cell",),
    ),
)
