"""Measured blocks: transformer-lens's bridges of blocks that need not have the same parts."""

from torch import nn
from transformer_lens.model_bridge.generalized_components import BlockBridge
from transformer_lens.model_bridge.generalized_components.block import ParallelBlockBridge

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
