"""The rows of the table of analyses about what the tokens of one prompt do to each other."""

from headscope.interp.analysis import Analysis, Setting
from headscope.interp.collapse.rows import STREAM, stream_of
from headscope.interp.collapse.tokens.compression import Compression, compression, compression_cost
from headscope.interp.collapse.tokens.head_dimension import HeadDimension, dimensions_cost, head_dimension
from headscope.interp.reading.activations import Activations
from headscope.interp.weights.weight_laws import projections_by_head

Z = "attn.hook_z"


def prompt_compression(setting: Setting, run: Activations) -> Compression:
    """The compression valley of a prompt."""
    return compression(stream_of(run))


def prompt_head_dimension(setting: Setting, run: Activations) -> HeadDimension:
    """The dimensions of what heads write at a prompt."""
    W_O = setting.weights.W_O
    return head_dimension(projections_by_head(run[Z], W_O.shape[2]), W_O)


ROWS = (
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
)
