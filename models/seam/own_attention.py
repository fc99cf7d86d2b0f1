"""Own attention: modules that compute softmax by themselves, led to transformers' attention interface instead."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from headscope.models.seam.boolean_mask import as_boolean
from headscope.models.seam.model_pass import HOOKS

NAME = "headscope"
LAMBDA = "hook_lambda"
Hidden = Float[Tensor, "batch pos d_model"]
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


def differential_attention(module: Any, hidden_states: Hidden, *args: Any, **kwargs: Any) -> tuple[Hidden, Any]:
    """DiffLlama's, asking once: heads h and h + H/2 mix values of their own by the difference of their two maps.

    What a pair mixed is divided by its root mean square, times 1 − λ_init; W_O reads pair after pair. transformers'
    own, which asks twice and takes the difference of what was mixed, where the config asks for another attention.
    """
    if module.config._attn_implementation != NAME:
        return type(module).forward(module, hidden_states, *args, **kwargs)
    names = ("position_embeddings", "attention_mask", "past_key_values")
    angles, mask, cache = (taken_argument(name, names, args, kwargs) for name in names)
    query, key, value = (projected_heads(module, name, hidden_states) for name in ("q_proj", "k_proj", "v_proj"))
    query, key = sys.modules[type(module).__module__].apply_rotary_pos_emb(query, key, *angles)
    if cache is not None:
        key, value = cache.update(key, value, module.layer_idx)
    facts = {**kwargs, "scaling": module.scaling, "lambda_full": hooked_lambda(module)}
    mixed, pattern = AttentionInterface()[NAME](module, query, key, value, mask, **facts)
    return module.o_proj(in_pairs(mixed * pair_norm(module, mixed)).flatten(2)), pattern


def taken_argument(name: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An argument that came by place or by keyword; of the keywords it is taken out."""
    at = names.index(name)
    return args[at] if at < len(args) else kwargs.pop(name, None)


def projected_heads(module: Any, name: str, hidden: Hidden) -> Queries:
    """A projection by head."""
    return getattr(module, name)(hidden).unflatten(-1, (-1, module.head_dim)).transpose(1, 2)


def lambda_full(module: Any) -> Float[Tensor, ""]:
    """λ = exp(λ_q1 · λ_k1) − exp(λ_q2 · λ_k2) + λ_init of a DiffLlama's layer."""
    first, second = (
        (getattr(module, f"lambda_q{at}") * getattr(module, f"lambda_k{at}")).sum(dtype=torch.float32).exp()
        for at in (1, 2)
    )
    return first - second + module.lambda_init


def hooked_lambda(module: Any) -> Float[Tensor, ""]:
    """λ as its hook leaves it."""
    hooks, value = HOOKS.get(), lambda_full(module)
    return value if hooks is None else hooks.edit(module.variant.number, LAMBDA, value[None])[0]


def pair_norm(module: Any, mixed: Float[Tensor, "batch pos head d"]) -> Float[Tensor, "batch pos head 1"]:
    """(1 − λ_init) / rms of what each pair of heads mixed, for both of its heads."""
    square = in_pairs(mixed).float().square().mean((-2, -1))
    norm = (1 - module.lambda_init) * torch.rsqrt(square + module.groupnorm.eps)
    return norm.repeat(1, 1, 2)[..., None].to(mixed.dtype)


def in_pairs(heads: Float[Tensor, "batch pos head d"]) -> Float[Tensor, "batch pos pair two d"]:
    """Heads h and h + H/2 beside each other."""
    return heads.unflatten(2, (2, -1)).transpose(2, 3)


def pair_after_pair(n_heads: int) -> tuple[int, ...]:
    """The heads 0, H/2, 1, H/2 + 1 and so on."""
    return tuple(torch.arange(n_heads).view(2, -1).T.flatten().tolist())


@dataclass(frozen=True)
class Hands:
    """What a module is led to hand its attention: the keyword, the parameters that it comes of, and how."""

    keyword: str
    names: tuple[str, ...]
    value: Callable[[nn.Module], Tensor]


@dataclass(frozen=True)
class OwnAttention:
    """A method of a module and what stands in for it, which asks the interface.

    hooks: those that it calls besides. head_order: which head each of those that W_O reads is, by their count.
    """

    method: str
    stand_in: Callable[..., Any]
    hands: Hands | None = None
    hooks: tuple[str, ...] = ()
    head_order: Callable[[int], tuple[int, ...]] | None = None


LAMBDAS = Hands("lambda_full", ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"), lambda_full)
OWN = {
    "GPTNeoSelfAttention": OwnAttention("_attn", gpt_neo_attention),
    "DiffLlamaAttention": OwnAttention("forward", differential_attention, LAMBDAS, (LAMBDA,), pair_after_pair),
}


def own_attention_of(module: nn.Module) -> OwnAttention | None:
    """How a module is led to the interface, if it is."""
    return OWN.get(type(module).__name__)


def is_redirected(module: nn.Module) -> bool:
    """Whether a module computes its attention by itself, and may be led to the interface."""
    return type(module).__name__ in OWN


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
    rows = ((module, OWN[type(module).__name__]) for module in modules)
    return [Redirection(module, row.method, row.stand_in) for module, row in rows]
