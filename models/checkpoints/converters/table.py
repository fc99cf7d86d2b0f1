"""The converters: a row for every layout that is recognised, by name."""

from headscope.models.checkpoints.converters.cogformer import COGFORMER
from headscope.models.checkpoints.converters.converter import Converter
from headscope.models.checkpoints.converters.nanogpt import NANOGPT

CONVERTERS: dict[str, Converter] = {
    "nanogpt": NANOGPT,
    "cogformer": COGFORMER,
}
