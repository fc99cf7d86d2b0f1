"""The rows of the table of analyses about what the tokens of one prompt do to each other."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Analysis, AnalysisRequest, ByLayer, Probe, Setting
from headscope.interp.collapse.rows import PATTERN, STREAM, VALUES, seen, stream_of
from headscope.interp.collapse.tokens.compression import Compression, compression, compression_cost
from headscope.interp.collapse.tokens.dispersion import Dispersion, dispersion, dispersion_cost
from headscope.interp.collapse.tokens.dispersion_curves import DispersionCurves, dispersion_curves
from headscope.interp.collapse.tokens.head_dimension import HeadDimension, dimensions_cost, head_dimension
from headscope.interp.collapse.tokens.perturbation import SAMPLES, PerturbationSpread, perturbation_spread
from headscope.interp.collapse.tokens.sink_direction import SinkDirection, direction_of_sinks, mean_received
from headscope.interp.collapse.tokens.sink_tokens import SinkTokens, sink_tokens, sink_tokens_cost
from headscope.interp.reading.activations import GATE, SCORES, Activations
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.size import Size
from headscope.interp.reading.watch import Watch
from headscope.interp.weights.weight_laws import projections_by_head

Z = "attn.hook_z"


def prompt_compression(setting: Setting, run: Activations) -> Compression:
    """The compression valley of a prompt."""
    return compression(stream_of(run))


def prompt_head_dimension(setting: Setting, run: Activations) -> HeadDimension:
    """The dimensions of what heads write at a prompt."""
    W_O = setting.weights.W_O
    return head_dimension(projections_by_head(run[Z], W_O.shape[2]), W_O)


def prompt_sink_tokens(setting: Setting, run: Activations) -> SinkTokens:
    """What every token of a prompt receives and gives."""
    return sink_tokens(run[PATTERN], seen(run), run[VALUES], setting.weights.W_O, run.tokens.strings, run[GATE])


def prompt_received(setting: Setting, run: Activations) -> Float[Tensor, "layer pos"]:
    """What every token of a prompt receives in each layer."""
    return mean_received(run[PATTERN])


def prompt_sink_direction(
    setting: Setting, run: Activations, parts: Sequence[Float[Tensor, "layer pos"]]
) -> SinkDirection:
    """What marks the sink tokens of a prompt."""
    return direction_of_sinks(stream_of(run), torch.cat([*parts]), run.head_layers, run.tokens.strings)


def prompt_dispersion(setting: Setting, run: Activations) -> Dispersion:
    """The dispersion of a prompt's rows."""
    return dispersion(run[PATTERN], run[SCORES], seen(run))


def prompt_dispersion_curves(setting: Setting, run: Activations) -> DispersionCurves:
    """The sharpness of a prompt's rows by the number of their keys."""
    return dispersion_curves(run[PATTERN], seen(run))


def prompt_perturbation(request: AnalysisRequest, watch: Watch) -> PerturbationSpread:
    """The spread of another token in a prompt."""
    return perturbation_spread(request.model, text_alone(*request.prompts))


def perturbation_cost(size: Size) -> int:
    """A pass over the prompt, the changed ones and the unrelated ones."""
    return size.passes_over_prompts(1 + 2 * SAMPLES)


def of_scores(facts: ModelFacts) -> bool:
    """Whether weights come from scores, which those of mixers do not."""
    return not facts.reads_mixers


ROWS: tuple[Analysis | Probe, ...] = (
    Analysis(
        "compression",
        "How evenly residuals fill their directions, by layer, beside how long the {first}'s is.",
        STREAM,
        prompt_compression,
        cost=compression_cost,
    ),
    Analysis(
        "head_dimension",
        "How many directions each head's outputs take over the {tokens}.",
        (Z,),
        prompt_head_dimension,
        matrices=("W_O",),
        per_head=True,
        cost=dimensions_cost,
    ),
    Analysis(
        "sink_tokens",
        "Which {tokens} draw attention, by layer, and what they give for it.",
        (PATTERN, VALUES, GATE, SCORES),
        ByLayer(prompt_sink_tokens),
        over_tokens=True,
        matrices=("W_O",),
        cost=sink_tokens_cost,
        row_laws="any: magnitudes, and contributions with their signs",
    ),
    Analysis(
        "sink_direction",
        "Which direction of the residual stream marks the {tokens} that others rest on.",
        (*STREAM, PATTERN),
        ByLayer(prompt_received, prompt_sink_direction),
        over_tokens=True,
        row_laws="any: magnitudes, and contributions with their signs",
    ),
    Analysis(
        "dispersion",
        "Among how many {tokens} each head can still be sharp.",
        (PATTERN, SCORES),
        ByLayer(prompt_dispersion),
        applies=of_scores,
        per_head=True,
        cost=dispersion_cost,
        row_laws="any: the bound is that of exponentials of scores, and said to be missing for other kernels",
    ),
    Analysis(
        "dispersion_curves",
        "How the largest weight of each head falls as it sees more {tokens}, below its bound.",
        (PATTERN, SCORES),
        prompt_dispersion_curves,
        applies=of_scores,
        over_tokens=True,
        cost=dispersion_cost,
        row_laws="any: magnitudes",
    ),
    Probe(
        "perturbation",
        "how far another token in one place changes the residual of every other {token}, by layer",
        prompt_perturbation,
        over_tokens=True,
        text_only="puts another token in the place of one, and an image has no vocabulary",
        cost=perturbation_cost,
    ),
)
