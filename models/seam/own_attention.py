"""Own attention: modules that compute softmax by themselves, led to transformers' attention interface instead."""

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from headscope.models.seam.boolean_mask import as_boolean

Queries = Float[Tensor, "batch head query d_head"]
Keys = Float[Tensor, "batch head key d_head"]


class Redirection:
    """A method of a module that another stands in for, until it is removed."""

    def __init__(self, module: nn.Module, method: str, stand_in: Callable[..., Any]) -> None:
        self.module, self.method = module, method
        setattr(module, method, partial(stand_in, module))

    def remove(self) -> None:
        """The module's own method again."""
        delattr(self.module, self.method)


def gpt_neo_attention(
    module: Any, query: Queries, key: Keys, value: Keys, attention_mask: Tensor | None = None
) -> tuple[Queries, Tensor | None]:
    """GPT-Neo's (TinyStories'): scores without a scale, every second layer with a window.

    transformers' own where the config asks for that.
    """
    implementation = module.config._attn_implementation
    if implementation not in AttentionInterface():
        return type(module)._attn(module, query, key, value, attention_mask)
    n_key, mask = key.shape[2], as_boolean(attention_mask)
    window: Bool[Tensor, "1 1 query key"] = module.bias[:, :, n_key - query.shape[2] : n_key, :n_key]
    visible = window if mask is None else window & mask
    attend = AttentionInterface()[implementation]
    dropout = module.attn_dropout.p if module.training else 0.0
    output, pattern = attend(module, query, key, value, visible, scaling=1.0, dropout=dropout)
    return output.transpose(1, 2), pattern


REDIRECTED: dict[str, tuple[str, Callable[..., Any]]] = {"GPTNeoSelfAttention": ("_attn", gpt_neo_attention)}


def is_redirected(module: nn.Module) -> bool:
    """Whether a module computes its attention by itself, and may be led to the interface."""
    return type(module).__name__ in REDIRECTED


def set_implementation(model: PreTrainedModel, name: str) -> None:
    """As model.set_attn_implementation, which says no to models whose modules are led to the interface here."""
    if any(is_redirected(module) for module in model.modules()):
        for part in model.modules():
            if isinstance(part, PreTrainedModel):
                part.config._attn_implementation = name
        return
    model.set_attn_implementation(name)


def usual_implementation(model: PreTrainedModel) -> str:
    """What computes a model's softmax where nothing else was chosen."""
    is_eager = any(is_redirected(module) for module in model.modules()) or not model._supports_sdpa
    return "eager" if is_eager else "sdpa"


def redirections(model: nn.Module) -> list[Redirection]:
    """From now on such modules ask the interface."""
    modules = (module for module in model.modules() if is_redirected(module))
    return [Redirection(module, *REDIRECTED[type(module).__name__]) for module in modules]
