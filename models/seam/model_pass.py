"""Model pass: what the attention function needs to know of the forward pass it is called in, beyond its arguments.

Values of threads and no attributes of modules: two threads that run one model see only their own pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Float, Int
from torch import Tensor

from headscope.models.seam.factors import Factors
from headscope.models.seam.thread_value import ThreadValue

Edit = Callable[[int, str, Tensor], Tensor]
"""edit(layer, name, value): a hook's value as it goes on, by the layer's number and the hook's name."""


@dataclass
class ModelPass:
    """One forward pass of a model. queries: W_Q x of each layer, before any rotation or norm, by its number.

    input_parts: what a layer made of what its attention module read, by name, by the layer's number.
    """

    need_pattern: bool = False
    visible_count: Int[Tensor, "batch_or_one total"] | None = None
    queries: dict[int, Float[Tensor, "batch pos width"]] = field(default_factory=dict)
    input_parts: dict[int, dict[str, Tensor]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hooks:
    """What is called with the tensors of an attention call.

    on_scores: whether any of it looks at scores or weights. factors: what sees those of the modules that run.
    """

    edit: Edit
    on_scores: bool = True
    factors: Factors | None = None


MODEL_PASS = ThreadValue[ModelPass]("MODEL_PASS")
HOOKS = ThreadValue[Hooks]("HOOKS")
"""Those of the attention call that a thread is in: hook_rot_q, hook_rot_k, hook_v, hook_attn_scores, hook_pattern,
hook_z, those of temperatures, and where factors are seen hook_query_scale and hook_gate; heads come after positions
where there are both."""


def current_pass() -> ModelPass:
    """The pass that this thread is in; an empty one where nothing is known of it."""
    return MODEL_PASS.get() or ModelPass()
