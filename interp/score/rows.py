"""The row of scores in the table of analyses."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.circuits.distance import ANGLES
from headscope.interp.heads.attention_run import layers_with_patterns
from headscope.interp.reading.hooked_model import head_layers
from headscope.interp.reading.watch import Watch
from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import ScoreParts, cell_of


def score_parts_of_request(request: AnalysisRequest, watch: Watch) -> ScoreParts:
    """Those of the chosen cell, or of the strongest."""
    [prompt] = request.prompts
    cell = request.choices.get("cell")
    return score_parts(request.model, prompt, None if cell is None else cell_of(str(cell)))


def no_parts(request: AnalysisRequest) -> str:
    """Why the scores of a model have no parts, as the end of a sentence, or nothing."""
    if layers := layers_with_patterns(request.model):
        return f"splits products of queries and keys, and layer {layers[0]} weighs by more than those"
    first, hooks = f"blocks.{head_layers(request.model)[0]}.", request.model.hook_dict
    if first + "attn.hook_rot_q" in hooks and first + ANGLES[0] not in hooks:
        return "splits queries and keys before they are turned, and how this family turns them is not listed"
    return ""


PROBES = (
    Probe(
        "score_parts",
        "Why a head looks from one {token} at another: its score by what query and key are made of.",
        score_parts_of_request,
        over_tokens=True,
        missing=no_parts,
        matrices=("W_Q", "W_K", "W_O"),
        cost=lambda size: 2 * size.pass_over_prompts(),
        reads=("cell",),
    ),
)
