"""Models whose attention goes beyond softmax: variants, attachment to Hugging Face decoders, hooks, checkpoints."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.attachment import attach, detach
    from models.attention import attend
    from models.checkpoints import load, save
    from models.spec import AttentionSpec

HOMES = {
    "AttentionSpec": "models.spec",
    "attach": "models.attachment",
    "detach": "models.attachment",
    "attend": "models.attention",
    "load": "models.checkpoints",
    "save": "models.checkpoints",
}

__all__ = ["AttentionSpec", "attach", "attend", "detach", "load", "save"]


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    """Public names load their module on first use: transformers and transformer-lens take seconds to import."""
    if name not in HOMES:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
