"""Learned parts that are computed anew in every call: options of the kernel, and factors of what heads put out."""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

Hidden = Float[Tensor, "batch pos d_model"]


@runtime_checkable
class Still(Protocol):
    """A learned part that can start with almost no effect, in a model that was trained without it."""

    def still(self) -> None:
        """Set its parameters so."""
        ...


class LearnedOption(nn.Module, ABC):
    """Abstract: makes the kernel's option of its name, which broadcasts to [batch, head, query, key].

    reads_hidden: whether it is made of what the attention module reads; its tokens are then the keys of the call, so
    that a cache of keys and values is not enough, and a hook has its name.
    """

    reads_hidden = False

    @abstractmethod
    def forward(self, hidden: Hidden | None) -> Float[Tensor, "..."]:
        """The option in one call; hidden is None of one that does not read it."""


class OutputFactor(nn.Module, ABC):
    """Abstract: what Σ_s a_ts v_s is multiplied by before W_O takes it, as itself says."""

    @abstractmethod
    def forward(
        self, output: Float[Tensor, "batch head query d_value"]
    ) -> Float[Tensor, "batch head query d_value_or_one"]:
        """The factor of every query, of every entry of its output or of all alike."""
