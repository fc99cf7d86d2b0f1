"""Layer attention: any rows of one layer's weights on a prompt, from queries and keys or from kept patterns."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.score_rule import soft_capped
from headscope.models.attention.fused.tiled import Tile, tile_options, tile_visible
from headscope.models.attention.options import Options
from headscope.models.attention.run import at_least_float32
from headscope.models.attention.temperature import TEMPERATURES
from headscope.models.attention.variant import Variant
from headscope.models.seam.watched_calls import Call

WHOLE = slice(0, 1)  # of a batch of one prompt


@dataclass(frozen=True)
class RecomputedAttention:
    """Queries and keys as the kernel took them, in the model's dtype, and all else that its weights came from.

    temperature: τ_q of every row, where the layer learned one. mask: True where a key is visible, alike in all heads.
    """

    variant: Variant
    q: Float[Tensor, "head query d_head"]
    k: Float[Tensor, "kv_head key d_head"]
    mask: Bool[Tensor, "..."] | None
    causal: bool
    scale: float
    soft_cap: float | None
    temperature: Float[Tensor, "group query"] | None
    kernel: Options

    @torch.no_grad()
    def weights(self, heads: slice, rows: slice) -> Float[Tensor, "head row key"]:
        """The signed weights of some rows, float32 at least, as the model had them; all keys that rows may see."""
        if self.variant.mixes_heads and heads != slice(0, len(self.q)):
            return self.weights(slice(0, len(self.q)), rows)[heads]
        tile = Tile(WHOLE, heads, rows, self._reach(rows))
        products = (self._queries(heads, rows) @ self._keys(heads)[:, : tile.n_key].mT)[None]
        visible = tile_visible(self.mask, self.causal, tile, self.q.device)
        return self.variant.weigh(soft_capped(products, self.soft_cap), visible, **tile_options(self.kernel, tile))[0]

    def factors(self, head: int) -> tuple[Float[Tensor, "query d_head"], Float[Tensor, "key d_head"]]:
        """Queries and keys of a head whose products its kernel weighs, under the soft cap: q times scale and τ_q."""
        heads = slice(head, head + 1)
        return self._queries(heads, slice(None))[0], self._keys(heads)[0]

    def visible(self, rows: slice) -> Bool[Tensor, "row key"]:
        """Which keys some rows see, of those that `weights` has."""
        first = slice(0, 1)
        return tile_visible(self.mask, self.causal, Tile(WHOLE, first, rows, self._reach(rows)), self.q.device)[0, 0]

    @property
    def sees_whole_past(self) -> bool:
        """Whether every row sees all keys up to its own, and no other."""
        return self.causal and self.mask is None

    def _reach(self, rows: slice) -> int:
        queries, keys = self.q.shape[1], self.k.shape[1]
        return rows.stop + keys - queries if self.causal else keys

    def _queries(self, heads: slice, rows: slice) -> Float[Tensor, "head row d_head"]:
        q = at_least_float32(self.q[heads, rows])
        if self.temperature is not None:
            each = self.temperature.repeat_interleave(len(self.q) // len(self.temperature), 0)
            q = q * each[heads, rows, None].to(q.dtype)
        return q * self.scale

    def _keys(self, heads: slice) -> Float[Tensor, "head key d_head"]:
        group = len(self.q) // len(self.k)
        if group == 1:
            return at_least_float32(self.k[heads])
        return at_least_float32(self.k[torch.arange(heads.start, heads.stop) // group])


@dataclass(frozen=True)
class KeptAttention:
    """The patterns of a layer, of which queries and keys do not tell all, or that hooks changed."""

    pattern: Float[Tensor, "head query key"]
    seen: Bool[Tensor, "query key"]

    def weights(self, heads: slice, rows: slice) -> Float[Tensor, "head row key"]:
        """The signed weights of some rows."""
        return self.pattern[heads, rows]

    def visible(self, rows: slice) -> Bool[Tensor, "row key"]:
        """Which keys some rows see."""
        return self.seen[rows]

    @property
    def sees_whole_past(self) -> bool:
        """Not known without looking."""
        return False


LayerAttention = RecomputedAttention | KeptAttention


@torch.no_grad()
def attention_of_call(call: Call) -> RecomputedAttention:
    """What a layer was given in a run of one prompt, on the CPU and without the values."""
    taus = {name: call.options[name] for name in TEMPERATURES if name in call.options}
    rest = {name: value for name, value in call.options.items() if name not in taus}
    kernel = {name: on_cpu(value) for name, value in call.variant.kernel_options(rest).items()}
    given, tau = call.given, taus.get("temperature_q")
    q = given.q[0]
    return RecomputedAttention(
        call.variant,
        own_copy(q),
        own_copy(given.k[0]),
        None if given.mask is None else given.mask.cpu(),
        given.causal,
        given.scale,
        given.soft_cap,
        None if tau is None else own_copy(tau[0]),
        kernel,
    )


def own_copy(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """On the CPU, in memory of its own: a view would keep all of what it was cut from."""
    return torch.empty(x.shape, dtype=x.dtype).copy_(x)


def on_cpu(value: object) -> object:
    """A tensor in memory of its own on the CPU; anything else as it is."""
    return own_copy(value.detach()) if isinstance(value, Tensor) else value
