"""The part of a hooked model that an analysis of attention reads; a TransformerBridge keeps it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from headscope.models.hosts.families import modality_of

if TYPE_CHECKING:
    from transformer_lens.hook_points import HookPoint

Hook = tuple[str, Callable[..., object]]  # a hook's name, and what is called there with its tensor


@runtime_checkable
class HookedConfig(Protocol):
    """What an analysis reads of a model's config, under transformer-lens's names."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    model_name: str
    default_prepend_bos: bool


@runtime_checkable
class HookedModel(Protocol):
    """A model with transformer-lens's hook names, a config, and perhaps a tokenizer."""

    @property
    def cfg(self) -> HookedConfig:
        """Its sizes and its name."""
        ...

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase | None:
        """None for a model of ids or images."""
        ...

    @property
    def hook_dict(self) -> Mapping[str, "HookPoint"]:
        """Every hook by its name."""
        ...

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """One forward pass during which the given hooks are called; returns the logits."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights."""
        ...

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Its modules, such as blocks, and what a hooked model keeps besides."""
            ...


def module_of(model: HookedModel | PreTrainedModel) -> nn.Module:
    """The model as torch's module, which a TransformerBridge is; of a view of one that model."""
    return cast(nn.Module, getattr(model, "viewed", model))


def head_layers(model: HookedModel) -> tuple[int, ...]:
    """The numbers of the layers that have heads; of hybrids (Jamba, LFM2) other layers mix tokens without attention."""
    return tuple(layer for layer, block in enumerate(model.blocks) if "attn" in block.submodules)


def looks_back(model: HookedModel) -> bool:
    """Whether heads see the tokens up to their own alone, in every layer that has heads."""
    return all(model.blocks[layer].attn.is_causal for layer in head_layers(model))


def begins_with_bos(model: HookedModel, prepend_bos: bool | None) -> bool:
    """Whether BOS comes before a text, or an encoder's own tokens around it: as chosen, else as the tokenizer does."""
    if prepend_bos is not None:
        return prepend_bos
    tokenizer = tokenizer_of(model)
    return tokenizer is not None and has_first_token(model, tokenizer) and bool(model.cfg.default_prepend_bos)


def has_first_token(model: HookedModel, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether there is a token to begin texts with: BOS, or what stands before a masked language model's ([CLS])."""
    asks_masks = modality_of(model.original_model).asks_masks
    return tokenizer.bos_token_id is not None or (asks_masks and tokenizer.cls_token_id is not None)


def tokenizer_of(model: HookedModel) -> PreTrainedTokenizerBase | None:
    """The tokenizer as the model's folder has it, or None; the hooked model's own may have a padding token added."""
    return getattr(model, "plain_tokenizer", None) or model.tokenizer
