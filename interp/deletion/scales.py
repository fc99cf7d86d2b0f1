"""Scales: what a head's output is divided by on its way to the logits, norms frozen."""

from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import NORM_AFTER, Activations

FINAL = "ln_final.hook_scale"
SCALES = (FINAL, NORM_AFTER)


def scale_to_logits(run: Activations) -> Float[Tensor, "layer query 1"]:
    """Of every layer at every query: the final norm's scale times that of a norm after attention (Gemma)."""
    return run[FINAL] * run[NORM_AFTER]
