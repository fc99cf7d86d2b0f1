"""Output gate: what stands between a mixer's output and W_O, and what of each token's contribution it lets through."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class OutputGate:
    """Numbers that the entries of a mixer's output are multiplied with, and the matrix that reads the product.

    entries: gates, and the gain and frozen scale of a norm, all in one.
    """

    entries: Float[Tensor, "pos head d_value"]
    W_O: Float[Tensor, "head d_value d_model"]

    def share(
        self, values: Float[Tensor, "key all_heads d_value"], heads: slice, rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "head row key"]:
        """γ[t, s] = ⟨u_s, (g_t ⊙ v_s) W_O⟩ / ⟨u_s, u_s⟩, u_s = v_s W_O being what the head writes of the value at s.

        A mean of the entries of g_t, each weighed by its part v_s[e] (W_O W_Oᵀ v_s)[e] of ⟨u_s, u_s⟩: the parts sum
        to one, and may be negative. Where the head writes nothing of a token all entries count alike.
        """
        v, W_O = values[:, heads].transpose(0, 1), self.W_O[heads]
        parts = v * (v @ (W_O @ W_O.mT))
        total = parts.sum(-1, keepdim=True)
        even = torch.full_like(parts, 1 / parts.shape[-1])
        return self.entries[rows][:, heads].transpose(0, 1) @ torch.where(total > 0, parts / total, even).mT

    def along(
        self,
        weights: Float[Tensor, "head row key"],
        values: Float[Tensor, "key all_heads d_value"],
        heads: slice,
        rows: Int[Tensor, "row"],
    ) -> Float[Tensor, "head row"]:
        """Σ_s ‖a[t, s] γ[t, s] u_s‖² over Σ_s ‖a[t, s] (g_t ⊙ v_s) W_O‖²: how much of a row its gated weights say."""
        v, W_O = values[:, heads].transpose(0, 1), self.W_O[heads]
        gates = self.entries[rows][:, heads].transpose(0, 1)
        through = [((gates[:, at, None] * v) @ W_O).square().sum(-1) for at in range(len(rows))]
        along = (weights * self.share(values, heads, rows)).square() * (v @ W_O).square().sum(-1)[:, None]
        return along.sum(-1) / (weights.square() * torch.stack(through, 1)).sum(-1)


def entries_between(
    output: Float[Tensor, "pos head d_value"], read: Float[Tensor, "pos head d_value"]
) -> Float[Tensor, "pos head d_value"] | None:
    """What an output was multiplied with before it was read; None where it was read as it came.

    An entry of the output that is exactly 0 lets nothing through, whatever its gate.
    """
    return None if torch.equal(output, read) else torch.where(output == 0, 0.0, read / output)
