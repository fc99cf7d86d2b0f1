"""Measured blocks: transformer-lens's bridges of blocks that need not have the same parts."""

from typing import Any

from torch import nn
from transformer_lens.model_bridge.generalized_components import BlockBridge
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent
from transformer_lens.model_bridge.generalized_components.block import ParallelBlockBridge

from headscope.models.seam.block_parts import first_tensor

OF_BLOCK = ("hook_in", "hook_out")


class SomeParts(BlockBridge):
    """Abstract. A block with those of its list's parts that it was seen to have.

    parts_of: the names of the parts by the id of the block, as transformer-lens copies one bridge for every block.
    """

    parts_of: dict[int, set[str]]

    def set_original_component(self, original_component: nn.Module) -> None:
        """Wrap one block; parts that it lacks go, and the hooks that were theirs."""
        super().set_original_component(original_component)
        own = self.parts_of[id(original_component)]
        self.submodules = {name: part for name, part in self.submodules.items() if name in own}
        aliases: dict[str, str | list[str]] = self.hook_aliases
        self.hook_aliases = {
            alias: hook
            for alias, hook in aliases.items()
            if isinstance(hook, str) and (hook in OF_BLOCK or hook.split(".")[0] in own)
        }


class Block(SomeParts):
    """Attention, then an MLP."""


class ParallelBlock(SomeParts, ParallelBlockBridge):
    """Attention and an MLP that read the same."""


class MeasuredMLP(GeneralizedComponent):
    """An MLP whose hooks have its output by batch and position, also where it gives all in one axis (Llama 4)."""

    def set_original_component(self, original_component: nn.Module) -> None:
        """Wrap one MLP."""
        super().set_original_component(original_component)
        original_component.register_forward_hook(by_position, with_kwargs=True)


def by_position(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    """A forward hook: the output in the axes of what was given."""
    given, first = first_tensor((*args, *kwargs.values())), first_tensor(output)
    if given is None or first is None or first.ndim >= given.ndim or first.numel() != given.numel():
        return output
    shaped = first.view(given.shape)
    return (shaped, *output[1:]) if isinstance(output, tuple) else shaped
