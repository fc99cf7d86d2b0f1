"""The norms of a vanilla transformer, by the name that its config gives them."""

from torch import nn

from headscope.models.vanilla.config import Norm, VanillaConfig


def new_norm(config: VanillaConfig, kind: Norm) -> nn.Module:
    """A norm of the residual, with gain and bias or without; where there is none, the residual as it is."""
    width, gain = config.hidden_size, config.norm_gain
    if kind == "layer_norm":
        return nn.LayerNorm(width, config.norm_eps, elementwise_affine=gain, bias=config.norm_bias)
    if kind == "rms_norm":
        return nn.RMSNorm(width, config.norm_eps, elementwise_affine=gain)
    return nn.Identity()
