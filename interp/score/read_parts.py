"""Read parts: what queries and keys are made of, with everything frozen that is not linear in the residual stream."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.attribution.residual_parts import WRITES
from headscope.interp.circuits.distance import ANGLES, head_rotation, score_weights
from headscope.interp.heads.attention_run import layers_with_patterns
from headscope.interp.heads.layer_attention import RecomputedAttention, attention_of_call
from headscope.interp.reading.activations import NORM_AFTER, Activations, gathered_activations
from headscope.interp.reading.hooked_model import HookedModel, head_layers, module_of
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.head_score import head_name
from headscope.interp.weights.head_weights import HeadWeights
from headscope.models.hooked.patternless import hears_angles, patternless
from headscope.models.seam.watched_calls import Call, watched_calls

NORM, BIAS = "ln1.hook_scale", "bias"
NEAR = 1e-3  # of a query's or a key's own length, that its parts may leave unexplained
LEAST = 1e-6  # of the largest entry of the residual stream: a part below it is rounding


@dataclass(frozen=True)
class Projection:
    """How a head makes queries, or keys, of the normalised residual before they turn; gain: of a norm after that."""

    W: Float[Tensor, "d_model d_head"]
    b: Float[Tensor, "d_head"]
    gain: Float[Tensor, "d_head"]


@dataclass(frozen=True)
class ProjectedParts:
    """The queries or keys of a head at some positions, by part; they sum to what its kernel takes."""

    names: tuple[str, ...]
    vectors: Float[Tensor, "part pos d_head"]


def unsplit_words(model: HookedModel) -> str:
    """Why the scores of a model have no parts, as the end of a sentence, or nothing."""
    if layers := layers_with_patterns(model):
        return f"splits products of queries and keys, and layer {layers[0]} weighs by more than those"
    first, hooks = f"blocks.{head_layers(model)[0]}.", model.hook_dict
    if first + "attn.hook_rot_q" in hooks and first + ANGLES[0] not in hooks:
        return "splits queries and keys before they are turned, and how this family turns them is not listed"
    return ""


def run_with_calls(model: HookedModel, prompt: Prompt) -> tuple[Activations, dict[int, RecomputedAttention]]:
    """One pass that keeps what residual streams are made of, and what every layer's kernel was given.

    Raises ValueError for a model of unsplit_words.
    """
    if words := unsplit_words(model):
        raise ValueError(f"a score by its parts {words}")
    kept: dict[int, RecomputedAttention] = {}

    def keep(call: Call) -> None:
        kept[call.layer] = attention_of_call(call)

    turned = [name for name in ANGLES if any(name in place for place in model.hook_dict)]
    with patternless(), watched_calls(keep):
        [run] = gathered_activations(model, [prompt], [*WRITES, NORM, *(turned if angles_are_heard(model) else ())])
    return run, kept


def read_parts(
    run: Activations, weights: HeadWeights, layer: int
) -> tuple[tuple[str, ...], Float[Tensor, "part pos d_model"]]:
    """What the residual stream before a layer is made of, over its frozen norm; parts that are all zero are left out.

    Embedding, every earlier head, what else its attention adds, every earlier MLP, and what none of them explains.
    """
    before = [at for at, number in enumerate(run.head_layers) if number < layer]
    heads = torch.einsum("lphe,lhem->lhpm", run["attn.hook_z"][before], weights.W_O[before])
    heads = heads / run[NORM_AFTER][before][:, None]
    rest = run["hook_attn_out"][before] - heads.sum(1)
    numbers = [run.head_layers[at] for at in before]
    parts = {"embedding": run["hook_resid_pre"][0]}
    parts |= {head_name(number, at): heads[i, at] for i, number in enumerate(numbers) for at in range(heads.shape[1])}
    parts |= {f"L{number} attention bias": rest[i] for i, number in enumerate(numbers)}
    parts |= {f"L{number} MLP": run["hook_mlp_out"][number] for number in range(layer)}
    residual = run["hook_resid_pre"][layer]
    parts["other"] = residual - torch.stack([*parts.values()]).sum(0)
    least = LEAST * float(residual.abs().max())
    kept = {name: part for name, part in parts.items() if float(part.abs().max()) > least}
    scale = run[NORM][run.head_layers.index(layer)]
    return tuple(kept), torch.stack([*kept.values()]) / scale


def angles_are_heard(model: HookedModel) -> bool:
    """Whether the hooks of every layer's angles are called in a pass without patterns."""
    return all(map(hears_angles, module_of(model).modules()))


def rotations(model: HookedModel, run: Activations, layer: int) -> Float[Tensor, "pos d_head d_head"]:
    """How a layer turns the queries and keys of every position, as k · turn.

    One pass more for a family some of whose layers do not, as these hooks are called where a pattern is formed there.
    """
    if not angles_are_heard(model):
        with patternless():
            [run] = gathered_activations(model, [run.tokens], ANGLES)
    if ANGLES[0] not in run.hooks:  # no layer turns them
        return torch.eye(model.cfg.d_head).expand(len(run.tokens), -1, -1)
    at = run.head_layers.index(layer)
    return head_rotation(model)(*(run[name][at] for name in ANGLES), model.cfg.d_head)


def projections(model: HookedModel, weights: HeadWeights, at: tuple[int, int]) -> tuple[Projection, Projection]:
    """Those of a head's queries and of its keys."""
    after = getattr(model.cfg, "qk_norm_after_rope", False)
    scored, ones = weights if after else score_weights(weights), torch.ones(weights.W_Q.shape[-1])
    q, k = (ones if norm is None or not after else norm[at[0]] for norm in (weights.q_norm, weights.k_norm))
    return Projection(scored.W_Q[at], scored.b_Q[at], q), Projection(scored.W_K[at], scored.b_K[at], k)


def projected_parts(
    names: tuple[str, ...],
    vectors: Float[Tensor, "part pos d_model"],
    by: Projection,
    turn: Float[Tensor, "pos d_head d_head"],
    truth: Float[Tensor, "pos d_head"],
) -> ProjectedParts:
    """Queries or keys by part, with the factor of each position's norm, temperature and scale.

    Raises ValueError where their sum does not point as the model's own, which `truth` holds.
    """
    own = vectors @ by.W
    if by.b.any():
        names, own = (*names, BIAS), torch.cat([own, by.b.expand(1, len(truth), -1)])
    parts = torch.einsum("apd,pde->ape", own, (turn * by.gain).to(own.dtype))
    whole, true = parts.sum(0), truth.to(parts.dtype)
    factor = (whole * true).sum(-1) / whole.square().sum(-1)
    unexplained = float(((true - factor[:, None] * whole).norm(dim=-1) / true.norm(dim=-1)).max())
    if unexplained > NEAR:
        raise ValueError(
            "this head's queries or keys are no linear function of the residual stream with its norms frozen: "
            f"{unexplained:.0%} of one is left"
        )
    return ProjectedParts(names, parts * factor[:, None])
