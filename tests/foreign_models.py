"""Models of others' codes, written small from their papers and descriptions: a state dict of random numbers, and what
such a code computes with it. What the converters are held against."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, silu

State = dict[str, Tensor]
VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT = 50, 32, 4, 3, 24
IDS = torch.arange(40).view(2, 20) * 7 % VOCABULARY


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> State:
    """Matrices large enough for attention far from uniform, norms around 1, numbers around 0."""
    torch.manual_seed(seed)
    spreads = {name: 1.2 / math.sqrt(shape[-1]) if len(shape) > 1 else 0.3 for name, shape in shapes.items()}
    return {name: torch.randn(shapes[name]) * spread + is_norm(name) for name, spread in spreads.items()}


def is_norm(name: str) -> bool:
    return ("norm" in name or "ln_" in name) and not name.endswith("bias")


def causal(n: int) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, tau: Tensor | float = 1.0) -> Tensor:
    """[batch, head, pos, d_head] three times -> [batch, pos, head * d_head]; tau scales the scores of a row."""
    scores = tau * (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
    pattern = scores.masked_fill(~causal(q.shape[2]), -math.inf).softmax(-1)
    return (pattern @ v).transpose(1, 2).flatten(2)


def rms(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt() * weight


def tau_of_row(beta: Tensor, n: int, form: str = "exponential") -> Tensor:
    """1 + slope · ln(visible keys), a column over the rows of scores."""
    slope = torch.exp(-torch.exp(beta)) if form == "exponential" else beta
    return 1 + slope * torch.arange(1, n + 1).float().log()[:, None]


# nanoGPT


def nanogpt_state(bias: bool = True, tied: bool = True, tempered: bool = False) -> State:
    shapes: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (VOCABULARY, WIDTH),
        "transformer.wpe.weight": (CONTEXT, WIDTH),
        "transformer.ln_f.weight": (WIDTH,),
        "lm_head.weight": (VOCABULARY, WIDTH),
    }
    for layer in range(LAYERS):
        maps = {"attn.c_attn": (96, 32), "attn.c_proj": (32, 32), "mlp.c_fc": (128, 32), "mlp.c_proj": (32, 128)}
        shapes |= {f"transformer.h.{layer}.{name}.weight": shape for name, shape in maps.items()}
        shapes |= {f"transformer.h.{layer}.{name}.weight": (WIDTH,) for name in ("ln_1", "ln_2")}
        shapes |= {f"transformer.h.{layer}.attn.beta": ()} if tempered else {}
    if bias:
        weights = [name for name in shapes if (name.endswith(".weight") and ".h." in name) or "ln_f" in name]
        shapes |= {name.replace(".weight", ".bias"): shapes[name][:1] for name in weights}
    state = random_state(shapes)
    if tied:
        state["lm_head.weight"] = state["transformer.wte.weight"]
    return state


def nanogpt_logits(state: State, ids: Tensor, n_heads: int = HEADS, form: str = "exponential") -> Tensor:
    """Pre-norm blocks, learned positions, exact GELU."""

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state.get(f"{name}.bias"))

    x = state["transformer.wte.weight"][ids] + state["transformer.wpe.weight"][: ids.shape[1]]
    for layer in range(LAYERS):
        here = f"transformer.h.{layer}."
        q, k, v = (
            split_heads(part, n_heads) for part in linear(norm(x, f"{here}ln_1"), f"{here}attn.c_attn").chunk(3, -1)
        )
        beta = state.get(f"{here}attn.beta")
        tau = 1.0 if beta is None else tau_of_row(beta, ids.shape[1], form)
        x = x + linear(softmax_attention(q, k, v, tau), f"{here}attn.c_proj")
        x = x + linear(gelu(linear(norm(x, f"{here}ln_2"), f"{here}mlp.c_fc")), f"{here}mlp.c_proj")
    return norm(x, "transformer.ln_f") @ state["lm_head.weight"].T


NANOGPT_ARGS: dict[str, Any] = {
    "n_layer": LAYERS,
    "n_head": HEADS,
    "n_embd": WIDTH,
    "block_size": CONTEXT,
    "bias": True,
}

# Cog attention's authors

COG_CFG: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_layers": LAYERS,
    "max_seq_length": CONTEXT,
    "dim": WIDTH,
    "n_heads": HEADS,
    "head_dim": 6,
    "hidden_dim": 48,
    "norm_eps": 1e-5,
    "attn_type": "np",
    "shared_expert_recipe": 1,
}


def cog_state() -> State:
    inner, hidden = HEADS * COG_CFG["head_dim"], COG_CFG["hidden_dim"]
    shapes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (VOCABULARY, WIDTH),
        "output.weight": (VOCABULARY, WIDTH),
        "norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        shapes |= {f"layers.{layer}.attention.{name}": (WIDTH, inner) for name in ("qw", "kw", "vw")}
        shapes |= {f"layers.{layer}.attention.ow": (inner, WIDTH), f"layers.{layer}.attention_norm.weight": (WIDTH,)}
        expert = f"layers.{layer}.ffn.shared_experts.0"
        shapes |= {f"{expert}.gw": (WIDTH, hidden), f"{expert}.pw": (WIDTH, hidden), f"{expert}.ow": (hidden, WIDTH)}
        shapes |= {f"layers.{layer}.ffn_norm.weight": (WIDTH,)}
    state = random_state(shapes)
    return state | {"freqs_cis": turns(COG_CFG["head_dim"], 2 * CONTEXT), "shortcut_bar": torch.zeros(5)}


def turns(d_head: int, n: int) -> Tensor:
    """[pos, d_head / 2] unit complex numbers, of angles pos · 10 000^(−2i/d_head)."""
    angles = torch.outer(torch.arange(n).float(), 10_000.0 ** (-torch.arange(0, d_head, 2).float() / d_head))
    return torch.polar(torch.ones_like(angles), angles)


def turned_pairs(x: Tensor) -> Tensor:
    """Neighbouring entries as complex numbers, turned by their position."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns(x.shape[-1], x.shape[-2])).flatten(-2)


def cog_logits(state: State, ids: Tensor, attn_type: str = "np") -> Tensor:
    """Pre-norm blocks; signed attention in all but the first and the last; silu on pw."""
    x, eps = state["embedding.weight"][ids], COG_CFG["norm_eps"]
    for layer in range(LAYERS):
        part = {name.removeprefix(f"layers.{layer}."): tensor for name, tensor in state.items()}
        h = rms(x, part["attention_norm.weight"], eps)
        q, k, v = (split_heads(h @ part[f"attention.{name}"], HEADS) for name in ("qw", "kw", "vw"))
        q, k = turned_pairs(q), turned_pairs(k)
        if attn_type == "np" and 0 < layer < LAYERS - 1:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            pattern = scores.sign() * scores.abs().masked_fill(~causal(ids.shape[1]), -math.inf).softmax(-1)
            mixed = (pattern @ v).transpose(1, 2).flatten(2)
        else:
            mixed = softmax_attention(q, k, v)
        x = x + mixed @ part["attention.ow"]
        h = rms(x, part["ffn_norm.weight"], eps)
        expert = {name: part[f"ffn.shared_experts.0.{name}"] for name in ("gw", "pw", "ow")}
        x = x + ((h @ expert["gw"]) * silu(h @ expert["pw"])) @ expert["ow"]
    return rms(x, state["norm.weight"], eps) @ state["output.weight"].T
