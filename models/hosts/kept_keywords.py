"""Kept keywords: what a layer is told and keeps to itself (StableLM's does), handed on to its attention module."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from headscope.models.seam.call_arguments import Keywords, Places

FACTS = ("need_pattern", "visible_count")
CARRIER = "position_embeddings"  # such a layer does hand on these


class PositionEmbeddings(tuple[Tensor, ...]):
    """Position embeddings that also carry facts, which are so there too when a layer is computed again."""

    facts: Mapping[str, object]

    def __new__(cls, parts: Iterable[Tensor], facts: Mapping[str, object] = {}) -> "PositionEmbeddings":
        angles = super().__new__(cls, parts)
        angles.facts = facts
        return angles


def handed_on(layer: nn.Module, attention: nn.Module) -> list[RemovableHandle]:
    """Hooks that give the attention module the facts of the call that its layer was given."""
    return [
        layer.register_forward_pre_hook(load_facts, with_kwargs=True),
        attention.register_forward_pre_hook(unload_facts, with_kwargs=True),
    ]


def load_facts(layer: nn.Module, args: Places, kwargs: Keywords) -> tuple[Places, Keywords]:
    facts = {name: kwargs[name] for name in FACTS if name in kwargs}
    return args, {**kwargs, CARRIER: PositionEmbeddings(kwargs[CARRIER], facts)}


def unload_facts(attention: nn.Module, args: Places, kwargs: Keywords) -> tuple[Places, Keywords]:
    return args, call_keywords(kwargs)


def call_keywords(kwargs: Keywords) -> Keywords:
    """The keywords of a call of the attention module, with those that its layer kept."""
    return {**getattr(kwargs.get(CARRIER), "facts", {}), **kwargs}
