"""Model pass: what the attention function needs to know of the forward pass it is called in, beyond its arguments.

ContextVars and no attributes of modules: two threads that run one model see only their own pass.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock

from jaxtyping import Float, Int
from torch import Tensor

Edit = Callable[[int, str, Tensor], Tensor]
"""edit(layer, name, value): a hook's value as it goes on, by the layer's number and the hook's name."""


@dataclass
class ModelPass:
    """One forward pass of a model. queries: W_Q x of each layer, before any rotation or norm, by its number."""

    need_pattern: bool = False
    visible_count: Int[Tensor, "batch_or_one total"] | None = None
    queries: dict[int, Float[Tensor, "batch pos width"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hooks:
    """What is called with the tensors of an attention call; on_scores: whether any of it looks at scores or weights."""

    edit: Edit
    on_scores: bool = True


MODEL_PASS: ContextVar[ModelPass | None] = ContextVar("MODEL_PASS", default=None)
HOOKS: ContextVar[Hooks | None] = ContextVar("HOOKS", default=None)


class Users:
    """How many passes and hooks there are, in all threads. A plain number, since torch.compile cannot read a
    ContextVar: a model that is compiled while there are none stays one graph, and is compiled anew when there are."""

    count = 0
    lock = Lock()

    @classmethod
    def add(cls, change: int) -> None:
        """One more or one less."""
        with cls.lock:
            cls.count += change


def current_pass() -> ModelPass:
    """The pass that this thread is in; an empty one where nothing is known of it."""
    return (MODEL_PASS.get() if Users.count else None) or ModelPass()


def current_hooks() -> Hooks | None:
    """The hooks of the attention call that this thread is in."""
    return HOOKS.get() if Users.count else None


@contextmanager
def with_hooks(hooks: Hooks) -> Iterator[None]:
    """Attention calls whose tensors go through hooks: hook_rot_q, hook_rot_k, hook_v, hook_attn_scores, hook_pattern,
    hook_z, and those of temperatures; heads come after positions where there are both."""
    token = HOOKS.set(hooks)
    Users.add(1)
    try:
        yield
    finally:
        Users.add(-1)
        HOOKS.reset(token)
