"""Linear recurrence: a state that decays, forgets and takes in one value after the other; its weights, row by row."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

MANY = 16  # rows, from which on a system of equations of all positions is sooner solved


@dataclass(frozen=True)
class Recurrence:
    """S_t = (I − r_t k_t k_tᵀ) diag(e^{d_t}) S_{t−1} + w_t k_t v_tᵀ and o_t = S_tᵀ q_t + D v_t, of every head.

    log_decay: d, one number for all entries of a key or one for each. write: w. removal: r of the delta rule, None
    where nothing is removed. skip: D, None for 0. Queries are scaled, queries and keys normed, as the state meets them.
    Gated DeltaNet: w = r = β (Yang et al. 2024, arXiv 2412.06464); Kimi Delta Attention: with a decay for each entry
    (2510.26692); Mamba-2: k = B, q = C, w = Δ, d = AΔ (Dao and Gu 2024, 2405.21060); lightning attention: w = 1, d
    fixed (Qin et al. 2024, 2401.04658).
    """

    q: Float[Tensor, "head pos d_key"]
    k: Float[Tensor, "head pos d_key"]
    log_decay: Float[Tensor, "head pos one_or_d_key"]
    write: Float[Tensor, "head pos"]
    removal: Float[Tensor, "head pos"] | None = None
    skip: Float[Tensor, "head"] | None = None

    @torch.no_grad()
    def weights(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """A[t, s] with o_t = Σ_s A[t, s] v_s, of some rows over all positions; those after a row are 0.

        Law: A[t, s] = w_s k_sᵀ (Π_{r=s+1…t} diag(e^{d_r}) (I − r_r k_r k_rᵀ)) q_t: a number that all entries of the
        value share, for the state is multiplied on the side of the keys alone.
        """
        is_scalar, is_plain = self.log_decay.shape[-1] == 1, self.removal is None
        if is_scalar and (is_plain or len(rows) >= MANY):
            numbers = range(len(self.q))[heads]
            weights = torch.stack([self._decayed(at, rows) if is_plain else self._solved(at, rows) for at in numbers])
        else:
            weights = self._carried(heads, rows)
        if self.skip is not None:
            weights[:, torch.arange(len(rows)), rows] += self.skip[heads, None]
        return weights

    def _decayed(self, head: int, rows: Int[Tensor, "row"]) -> Float[Tensor, "row key"]:
        """Where nothing but one number acts between s and t: w_s (k_s · q_t) e^{d_{s+1} + … + d_t}."""
        return (self.q[head, rows] @ self.k[head].mT) * self._kept(head, rows) * self.write[head]

    def _solved(self, head: int, rows: Int[Tensor, "row"]) -> Float[Tensor, "row key"]:
        """All rows at once, as A (I + T) = P: P has what a query meets, T what each key takes off the ones before it.

        The form of chunks of Yang et al. 2024 (arXiv 2406.06484), the whole prompt being one.
        """
        assert self.removal is not None
        every = torch.arange(self.q.shape[1])
        met = (self.q[head, rows] @ self.k[head].mT) * self._kept(head, rows)
        taken = (self.k[head] @ self.k[head].mT) * self._kept(head, every) * self.removal[head, :, None]
        return torch.linalg.solve_triangular(taken, met, upper=False, left=False, unitriangular=True) * self.write[head]

    def _kept(self, head: int, rows: Int[Tensor, "row"]) -> Float[Tensor, "row key"]:
        """What decay leaves of each position until a row; 0 of those after it."""
        total = self.log_decay[head, :, 0].double().cumsum(-1)
        future = torch.arange(len(total)) > rows[:, None]
        return (total[rows, None] - total).masked_fill(future, -torch.inf).exp().to(self.q)

    def _carried(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """Each query carried back through the state, one position after the other: O(t d) numbers a row."""
        q, k, kept = self.q[heads], self.k[heads], self.log_decay[heads].exp()
        carried = q.new_zeros(len(q), len(rows), q.shape[-1])
        weights = q.new_zeros(len(q), len(rows), q.shape[1])
        for at in reversed(range(int(rows.max()) + 1)):
            carried[:, rows == at] = q[:, at, None]
            met = carried @ k[:, at, :, None]
            weights[:, :, at] = met[..., 0] * self.write[heads, at, None]
            if self.removal is not None:
                carried -= met * (self.removal[heads, at, None] * k[:, at])[:, None]
            carried *= kept[:, at, None]
        return weights
