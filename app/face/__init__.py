"""headscope: interactive mechanistic interpretability of attention beyond softmax. Its public names, each loaded on
first use, since transformers and transformer-lens take seconds to import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headscope.app.widget.show import show
    from headscope.interp.asking.analyse import analyse
    from headscope.interp.asking.choices import Choices
    from headscope.interp.asking.effective import effective_pattern
    from headscope.interp.asking.mechanism import compare_mechanism
    from headscope.interp.effective.mixer_heads import mixers
    from headscope.interp.sweeps.sweep import sweep
    from headscope.models.attention import attend
    from headscope.models.checkpoints import save
    from headscope.models.hooked import hooked
    from headscope.models.hooked.loading import load
    from headscope.models.hosts.attachment import attach, detach
    from headscope.models.hosts.spec import AttentionSpec

HOMES = {
    "AttentionSpec": "headscope.models.hosts.spec",
    "Choices": "headscope.interp.asking.choices",
    "analyse": "headscope.interp.asking.analyse",
    "attach": "headscope.models.hosts.attachment",
    "attend": "headscope.models.attention",
    "compare_mechanism": "headscope.interp.asking.mechanism",
    "detach": "headscope.models.hosts.attachment",
    "effective_pattern": "headscope.interp.asking.effective",
    "hooked": "headscope.models.hooked",
    "load": "headscope.models.hooked.loading",
    "mixers": "headscope.interp.effective.mixer_heads",
    "save": "headscope.models.checkpoints",
    "show": "headscope.app.widget.show",
    "sweep": "headscope.interp.sweeps.sweep",
}

__all__ = [
    "AttentionSpec",
    "Choices",
    "analyse",
    "attach",
    "attend",
    "compare_mechanism",
    "detach",
    "effective_pattern",
    "hooked",
    "load",
    "mixers",
    "save",
    "show",
    "sweep",
]


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'headscope' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
