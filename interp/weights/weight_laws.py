"""Weight laws: what the matrices of heads say of a residual stream, held against what the model did in a trial run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import NORM_AFTER, Activations
from headscope.interp.reading.prompt import text_alone
from headscope.interp.weights.head_matrices import HeadWeights

Sides = tuple[Float[Tensor, "layer *place"], Float[Tensor, "layer *place"]]
# What a module of its own gives, and what goes to the attention function where there is none, or is rotated.
PROJECTIONS = {
    "Q": ("attn.hook_q", "attn.hook_rot_q"),
    "K": ("attn.hook_k", "attn.hook_rot_k"),
    "V": ("attn.v.hook_out", "attn.hook_v"),
}

FACTORED = ("W_Q", "W_K", "W_V", "W_E", "W_O", "W_U")


@dataclass(frozen=True)
class Law:
    """One equation between what follows from matrices and what the model's hooks held: in words, and both sides."""

    mine: str
    theirs: str
    needs: tuple[str, ...]
    sides: Callable[[HeadWeights, Activations, float | None], Sides]

    def failure(self, weights: HeadWeights, run: Activations, soft_cap: float | None, near: float) -> str:
        """How the law fails, or nothing."""
        if missing := [name for name in self.needs if name not in run.hooks]:
            return f"there is no hook {missing[0]}"
        mine, theirs = self.sides(weights, run, soft_cap)
        if not theirs.isfinite().all():
            return f"there is NaN or infinity in {self.theirs}, against which nothing can be held"
        error = relative_error(mine, theirs)
        if error == torch.inf:
            return (
                f"{self.mine} has no value, as no linear map of the residual makes it: a norm stands between two "
                "projections, something else than the residual is read, or an adapter is to be merged first"
            )
        return "" if error <= near else f"{self.mine} is {error:.1%} off {self.theirs}"


def relative_error(mine: Float[Tensor, "layer *place"], theirs: Float[Tensor, "layer *place"]) -> float:
    """The largest of the layers' errors, each relative to the size of what the model held; infinite for NaN."""
    off = (mine - theirs).flatten(1).norm(dim=1)
    size = theirs.flatten(1).norm(dim=1).clamp_min(torch.finfo(off.dtype).tiny)
    return float((off / size).nan_to_num(nan=torch.inf).max())


def misread(weights: HeadWeights, run: Activations, near: float, soft_cap: float | None) -> dict[str, str]:
    """The laws that fail in the run, by the matrix that they are of."""
    failures = {name: law.failure(weights, run, soft_cap, near) for name, law in LAWS.items()}
    return {name: words for name, words in failures.items() if words}


def with_factors(weights: HeadWeights, run: Activations, near: float, soft_cap: float | None) -> HeadWeights:
    """The weights with the numbers that a model multiplies them by (Granite, Cohere; Falcon-H1 all projections)."""
    factors = {name: law_factor(LAWS[name], weights, run, near) for name in FACTORED}
    if soft_cap is not None:
        factors["W_U"] = 1.0  # the cap is no factor, and what stands under it is not seen
    scaled = {name: getattr(weights, name) * f for name, f in factors.items() if f != 1}
    scaled |= {f"b_{letter}": getattr(weights, f"b_{letter}") * factors[f"W_{letter}"] for letter in "QKVU"}
    return replace(weights, **scaled)


def law_factor(law: Law, weights: HeadWeights, run: Activations, near: float) -> float:
    """The number f with f · mine = theirs; 1 where it is nearly that, and where there is none."""
    if not set(law.needs) <= set(run.hooks):
        return 1.0
    mine, theirs = law.sides(weights, run, None)
    f = float((mine * theirs).sum() / mine.square().sum())
    fits = bool((f * mine - theirs).norm() <= near * theirs.norm())
    return f if fits and abs(f - 1) > near else 1.0


def projection(letter: str, weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """A projection of the normalised residual; heads of a group share theirs.

    Without a module of its own it is held at position 0, where no rotation shows, after a norm inside heads.
    """
    own, given = PROJECTIONS[letter]
    if own in run.hooks:
        theirs = projections_by_head(run[own], getattr(weights, f"W_{letter}").shape[-1])
        return projected(letter, weights, run)[:, :, :: weights.shape[1] // theirs.shape[2]], theirs
    gain = {"Q": weights.q_norm, "K": weights.k_norm}.get(letter)
    mine = vectors_after_head_norm(projected(letter, weights, run)[:, :1], gain)
    theirs = projections_by_head(run[given][:, :1], mine.shape[-1])
    return mine[:, :, :: weights.shape[1] // theirs.shape[2]], theirs


def projected(letter: str, weights: HeadWeights, run: Activations) -> Float[Tensor, "layer pos head d"]:
    """The normalised residual through a projection, for every query head."""
    W, b = getattr(weights, f"W_{letter}"), getattr(weights, f"b_{letter}")
    normalised = run.at_heads("hook_resid_pre") / run.at_heads("ln1.hook_scale")
    return torch.einsum("lpm,lhmd->lphd", normalised, W) + b[:, None]


def scores(weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """q·k of every position with itself, where no rotation shows; norms on queries and keys by their gains."""
    d_head, heads = weights.W_Q.shape[-1], weights.shape[1]
    rot_q, rot_k = (
        key_heads_by_query_head(projections_by_head(run[name], d_head), heads)
        for name in ("attn.hook_rot_q", "attn.hook_rot_k")
    )
    q, k = (
        key_heads_by_query_head(projections_by_head(run[own], d_head), heads)
        if (own := PROJECTIONS[letter][0]) in run.hooks
        else projected(letter, weights, run)
        for letter in "QK"
    )
    mine = vectors_after_head_norm(q, weights.q_norm) * vectors_after_head_norm(k, weights.k_norm)
    return mine.sum(-1), (rot_q * rot_k).sum(-1)


def attention(weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """What the heads write at each position, against the mean over positions: the output's bias is in neither side."""
    mine = torch.einsum("lphe,lhem->lpm", projections_by_head(run["attn.hook_z"], weights.W_O.shape[2]), weights.W_O)
    theirs = run["hook_attn_out"] * run[NORM_AFTER]
    return mine - mine.mean(1, keepdim=True), theirs - theirs.mean(1, keepdim=True)


def embedding(weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """What the first block reads, less learned positions; images have no vocabulary."""
    first = run["hook_resid_pre"][:1]
    if not run.tokens.modality.reads_ids:
        return first, first
    ids = list(text_alone(run.tokens).ids)
    return weights.W_E[ids][None], first if weights.W_pos is None else first - weights.W_pos[: len(ids)]


def logits(weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """The logits, of an image those of its class token."""
    mine = run["hook_resid_post"][-1] / run["ln_final.hook_scale"] @ weights.W_U + weights.b_U
    mine = mine if len(run.logits) == len(mine) else mine[[run.tokens.read_out]]
    return (mine if soft_cap is None else soft_cap * torch.tanh(mine / soft_cap))[None], run.logits[None]


def residual(weights: HeadWeights, run: Activations, soft_cap: float | None) -> Sides:
    """The sum of all that is written."""
    written = run["hook_attn_out"].sum(0) + run["hook_mlp_out"].sum(0)
    return (run["hook_resid_pre"][0] + written)[None], run["hook_resid_post"][-1:]


def projections_by_head(
    heads: Float[Tensor, "layer pos *width"], d_head: int
) -> Float[Tensor, "layer pos head d_head"]:
    """A hook of projections by head, however the model splits it."""
    return heads.flatten(2).unflatten(-1, (-1, d_head))


def key_heads_by_query_head(
    heads: Float[Tensor, "layer pos kv_head d_head"], count: int
) -> Float[Tensor, "layer pos head d_head"]:
    """The key heads, each as often as queries share it."""
    return heads.repeat_interleave(count // heads.shape[2], dim=2)


def vectors_after_head_norm(
    heads: Float[Tensor, "layer pos head d_head"], gain: Float[Tensor, "layer d_head"] | None
) -> Float[Tensor, "layer pos head d_head"]:
    """Queries or keys after a norm inside each head, where there is one."""
    if gain is None:
        return heads
    return heads / heads.square().mean(-1, keepdim=True).sqrt() * gain[:, None, None]


LAWS: dict[str, Law] = {
    **{
        f"W_{letter}": Law(
            f"(resid_pre / ln1.hook_scale) W_{letter} + b_{letter}",
            own.removeprefix("attn."),
            ("hook_resid_pre", "ln1.hook_scale", given),
            partial(projection, letter),
        )
        for letter, (own, given) in PROJECTIONS.items()
    },
    "W_QK": Law(
        "q·k from hook_q, hook_k and the gains of their norms",
        "hook_rot_q · hook_rot_k",
        ("hook_resid_pre", "ln1.hook_scale", "attn.hook_rot_q", "attn.hook_rot_k"),
        scores,
    ),
    "W_O": Law("the heads' sum of z W_O", "hook_attn_out", ("attn.hook_z", "hook_attn_out", NORM_AFTER), attention),
    "W_E": Law("W_E + W_pos", "the first resid_pre", ("hook_resid_pre",), embedding),
    "W_U": Law(
        "(resid_post / ln_final.hook_scale) W_U + b_U", "the logits", ("hook_resid_post", "ln_final.hook_scale"), logits
    ),
    "residual parts": Law(
        "their sum",
        "the last resid_post",
        ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post"),
        residual,
    ),
}
READS = tuple(
    dict.fromkeys([*(own for own, _ in PROJECTIONS.values()), *(name for law in LAWS.values() for name in law.needs)])
)
