"""The part of a hooked model that an analysis of attention reads; a TransformerBridge keeps it."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class HookedModel(Protocol):
    """A model with transformer-lens's hook names, a config with n_layers, n_heads, n_ctx, d_model and d_vocab."""

    cfg: Any
    tokenizer: Any
    hook_dict: Any

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """One forward pass during which the given hooks are called; returns the logits."""
        ...

    def parameters(self) -> Any:
        """The weights."""
        ...


def begins_with_bos(model: HookedModel, prepend_bos: bool | None) -> bool:
    """Whether BOS comes before a text: as chosen, else where the tokenizer itself puts it, as run_with_cache does."""
    if prepend_bos is not None:
        return prepend_bos
    tokenizer = tokenizer_of(model)
    return tokenizer is not None and tokenizer.bos_token_id is not None and bool(model.cfg.default_prepend_bos)


def tokenizer_of(model: HookedModel) -> Any:
    """The tokenizer as the model's folder has it, or None; the hooked model's own may have a padding token added."""
    return getattr(model, "plain_tokenizer", None) or model.tokenizer
