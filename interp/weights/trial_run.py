"""Trial run: one small forward pass of a hooked model, past the hooks that hang on it, for what is measured of it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from headscope.interp.reading.activations import Activations, gathered_activations, has_hook
from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.reading.image_prompt import image_prompt
from headscope.interp.reading.prompt import Prompt, reads_ids
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hosts.linear_map import eval_mode
from headscope.models.seam.input_sizes import grey_ramp

if TYPE_CHECKING:
    from transformer_lens.hook_points import HookPoint

LENGTH = 8


def trial_run(model: HookedModel, names: Sequence[str]) -> Activations:
    """What those of the named hooks that the model has hold over a few tokens or a grey ramp.

    Hooks, modes and random numbers stay as they are. The caller lets one run in at a time.
    """
    with undisturbed(model):
        [run] = gathered_activations(model, [trial_prompt(model)], [name for name in names if has_hook(model, name)])
    return run


@contextmanager
def undisturbed(model: HookedModel) -> Iterator[None]:
    """The model in eval mode, past the hooks that hang on it."""
    with ExitStack() as stack:
        stack.enter_context(eval_mode(module_of(model)))
        for point in model.modules():
            if hasattr(point, "fwd_hooks"):
                stack.enter_context(muted(point))
        yield


def trial_prompt(model: HookedModel) -> Prompt:
    """Tokens from all over the vocabulary, or a grey ramp."""
    config, cfg = model.original_model.config, model.cfg
    if not reads_ids(model):
        return image_prompt(grey_ramp(config)["pixel_values"][0], config)
    length = min(LENGTH, cfg.n_ctx)
    ids = tuple(place * (cfg.d_vocab - 1) // LENGTH for place in range(1, length + 1))
    return PromptTokens(ids, tuple(map(str, ids)))


@contextmanager
def muted(point: "HookPoint") -> Iterator[None]:
    """A hook point without what add_hook put on it, which is there again afterwards in its old order."""
    forward, backward, all_hooks = point.fwd_hooks, point.bwd_hooks, dict(point._forward_hooks)
    point.fwd_hooks, point.bwd_hooks = [], []
    for handle in forward:
        point._forward_hooks.pop(handle.hook.id, None)
    try:
        yield
    finally:
        point.fwd_hooks, point.bwd_hooks = forward, backward
        point._forward_hooks.clear()
        point._forward_hooks.update(all_hooks)
