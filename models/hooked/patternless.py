"""Patternless: hooked models that form no query × key pattern, for runs whose hooks never look at one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from transformer_lens.hook_points import HookPoint
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent

# A ContextVar and no attribute of the model: another thread that runs it keeps its patterns.
WANTED: ContextVar[bool] = ContextVar("WANTED", default=False)
HEARD = ("hook_in", "hook_out", "hook_temperature_q", "hook_temperature_v", "hook_tempered_v")
ANGLES = ("hook_cos", "hook_sin")
PROJECTIONS = ("q", "k", "v", "o")


@contextmanager
def patternless() -> Iterator[None]:
    """In this thread, layers compute the same output with memory that grows with the prompt, not its square.

    There hook_q, hook_k, hook_v, hook_z, the temperatures and all hooks outside of attention work as ever, and so do
    hook_cos and hook_sin, but in families some of whose layers do not rotate (see hears_angles). A layer
    with a hook on anything else (hook_attn_scores, hook_pattern, hook_rot_q, hook_result, …; run_with_cache hooks all)
    forms its pattern as always: no hook is passed by, those apart that torch's
    register_forward_hook put on a hook point instead of add_hook. Only first derivatives can be taken.
    """
    token = WANTED.set(True)
    try:
        yield
    finally:
        WANTED.reset(token)


def inside_patternless() -> bool:
    """Whether this thread is inside patternless()."""
    return WANTED.get()


def hears_angles(attention: object) -> bool:
    """Whether the hooks of a layer's cosine and sine are called without a pattern: not where it may ignore them."""
    return not getattr(attention, "rope_optional", False)  # transformer-lens's mark of a layer that may


def hooked_elsewhere(attention: GeneralizedComponent) -> bool:
    """Whether a hook sits on a point of the layer that transformers' own forward pass does not go through."""
    parts = [attention.submodules[name] for name in PROJECTIONS]
    heard = {id(point) for part in parts for point in part.children()}
    names = (*HEARD, *ANGLES) if hears_angles(attention) else HEARD
    heard |= {id(getattr(attention, name, None)) for name in names}
    points = (part for part in attention.modules() if isinstance(part, HookPoint))
    return any(point.has_hooks() for point in points if id(point) not in heard)
