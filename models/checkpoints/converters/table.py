"""The converters: a row for every layout that is recognised, by name."""

from headscope.models.checkpoints.converters.cogformer import COGFORMER
from headscope.models.checkpoints.converters.converter import Converter
from headscope.models.checkpoints.converters.hooked_transformer import GROKKING, HOOKED_TRANSFORMER
from headscope.models.checkpoints.converters.litgpt_llama import LITGPT_LLAMA
from headscope.models.checkpoints.converters.litgpt_neox import LITGPT_NEOX
from headscope.models.checkpoints.converters.nanogpt import NANOGPT
from headscope.models.checkpoints.converters.u_vit import U_VIT
from headscope.models.checkpoints.converters.x_transformers import X_TRANSFORMERS, X_TRANSFORMERS_GATED

CONVERTERS: dict[str, Converter] = {
    "nanogpt": NANOGPT,
    "litgpt llama": LITGPT_LLAMA,
    "litgpt neox": LITGPT_NEOX,
    "cogformer": COGFORMER,
    "u_vit": U_VIT,
    "hooked transformer": HOOKED_TRANSFORMER,
    "grokking": GROKKING,
    "x_transformers": X_TRANSFORMERS,
    "x_transformers gated": X_TRANSFORMERS_GATED,
}
