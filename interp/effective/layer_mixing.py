"""Layer mixing: how one layer mixes the tokens of a prompt, whether by attention or by a recurrence."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.effective.output_gate import OutputGate
from headscope.models.attention.run import at_least_float32

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-4}  # of the largest entry of the output
HALF = 5e-2  # of outputs in half precision


@runtime_checkable
class Weights(Protocol):
    """What gives the weights of any rows before gates, float32 at least, 0 where a key is not seen."""

    def rows(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """Those of some heads."""
        ...

    def visible(self, rows: Int[Tensor, "row"]) -> Bool[Tensor, "row key"]:
        """Which keys the rows see."""
        ...


@dataclass(frozen=True)
class LayerMixing:
    """What a layer did with one prompt: o_t = g_t ⊙ Σ_s A[t, s] v_s in every head, which W_O reads.

    kind: what mixes ("Gated DeltaNet", "its attention"). values: as the mixing takes them, before any temperature of
    theirs. gate: None where nothing stands between. output: as the model had it, before the gate; None where it was
    not seen.
    """

    kind: str
    source: str
    weights: Weights
    values: Float[Tensor, "pos head d_value"]
    gate: OutputGate | None
    output: Float[Tensor, "pos head d_value"] | None = None

    @property
    def heads(self) -> int:
        """How many it has."""
        return self.values.shape[1]

    @property
    def read(self) -> Float[Tensor, "pos head d_value"]:
        """What W_O reads. Raises ValueError where the output is not known."""
        if self.output is None:
            raise ValueError(f"what a layer of {self.kind} gave was not kept")
        output = at_least_float32(self.output)
        return output if self.gate is None else output * self.gate.entries

    def mixing(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """The weights before the gate, held against what the layer gave. Raises ValueError where they are not its."""
        weights = self.weights.rows(heads, rows)
        if self.output is not None:
            self._refuse_other(
                torch.einsum("hts,she->the", weights, self.values[:, heads]), self.output[rows][:, heads]
            )
        return weights

    def gated(
        self, weights: Float[Tensor, "head row key"], heads: slice, rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "head row key"]:
        """The weights of these rows with the gate, along what the head writes of each token."""
        return weights if self.gate is None else weights * self.gate.share(self.values, heads, rows)

    def along(
        self, weights: Float[Tensor, "head row key"], heads: slice, rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "head row"]:
        """How much of each row's contributions lies along what the head writes of each token; 1 without gates."""
        if self.gate is None:
            return torch.ones_like(weights[..., 0])
        return self.gate.along(weights, self.values, heads, rows)

    def _refuse_other(self, ours: Float[Tensor, "row head d"], theirs: Float[Tensor, "row head d"]) -> None:
        wide = at_least_float32(theirs)
        off, size = float((ours - wide).abs().max()), float(wide.abs().max())
        if not off <= TOLERANCE.get(theirs.dtype, HALF) * size:
            raise ValueError(
                f"{self.kind} of this model is not the one that is known: its weights give an output that is {off:.1e} "
                f"off, of numbers up to {size:.1e}"
            )
