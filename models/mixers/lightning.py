"""Lightning attention: MiniMax's linear attention with a fixed decay per head, which its module computes by itself."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.mixers.readings import Reading, heads_first
from headscope.models.mixers.recurrence import Recurrence
from headscope.models.seam.call_arguments import Keywords


def is_lightning(module: nn.Module) -> bool:
    """Whether a module is such attention, by the parts that it is read from."""
    return all(hasattr(module, name) for name in ("slope_rate", "qkv_proj", "act_fn", "num_attention_heads", "norm"))


def activated_arguments(module: Any, activated: Float[Tensor, "batch pos width"]) -> Keywords:
    """Queries, keys, values and decays, from what the activation after its projection gives."""
    by_head = activated.unflatten(-1, (module.num_attention_heads, -1))
    q, k, v = by_head.chunk(3, -1)
    return {"query": q, "key": k, "value": v, "slope": module.slope_rate.flatten()}


def fixed_decay(call: Keywords) -> Recurrence:
    """S_t = e^{−slope} S_{t−1} + k_t v_tᵀ, without a scale of queries."""
    heads, slope = call["value"].shape[2], call["slope"].detach().cpu()
    q, k = (heads_first(call[name], heads) for name in ("query", "key"))
    ones = torch.ones_like(q[..., 0])
    return Recurrence(q, k, -slope[:, None, None].to(q) * ones[..., None], write=ones)


LIGHTNING = Reading("lightning attention", "Qin et al. 2024, arXiv 2401.04658", fixed_decay)
