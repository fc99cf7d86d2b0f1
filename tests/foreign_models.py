"""Models of others' codes, written small from their papers and descriptions: a state dict of random numbers, and what
such a code computes with it. What the converters are held against."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, silu

State = dict[str, Tensor]
VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT = 50, 32, 4, 3, 24
IDS = torch.arange(40).view(2, 20) * 7 % VOCABULARY


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> State:
    """Matrices large enough for attention far from uniform, norms around 1, numbers around 0."""
    torch.manual_seed(seed)
    spreads = {name: 1.2 / math.sqrt(shape[-1]) if len(shape) > 1 else 0.3 for name, shape in shapes.items()}
    return {name: torch.randn(shapes[name]) * spread + is_norm(name) for name, spread in spreads.items()}


def is_norm(name: str) -> bool:
    return name.endswith((".g", ".gamma")) or (("norm" in name or "ln_" in name) and not name.endswith("bias"))


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


# litgpt

LIT_CONFIG: dict[str, Any] = {"n_head": HEADS, "block_size": CONTEXT, "norm_eps": 1e-5, "rope_base": 10_000}
LIT_LLAMA: dict[str, Any] = {**LIT_CONFIG, "n_query_groups": 2, "parallel_residual": False, "rotary_percentage": 1.0}
LIT_NEOX: dict[str, Any] = {**LIT_CONFIG, "rotary_percentage": 0.5, "parallel_residual": True}
LIT_D_HEAD = WIDTH // HEADS


def lit_state(shape: str, fused: str = "attn", bias: bool = False, tempered: bool = False) -> State:
    groups = 2 if shape == "llama" else HEADS
    mlp = {"fc_1": (48, WIDTH), "fc_2": (48, WIDTH)} if shape == "llama" else {"fc": (48, WIDTH)}
    shapes: dict[str, tuple[int, ...]] = {
        "lm_head.weight": (VOCABULARY, WIDTH),
        "transformer.wte.weight": (VOCABULARY, WIDTH),
        "transformer.norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        here = f"transformer.h.{layer}."
        maps = {f"attn.{fused}": ((HEADS + 2 * groups) * LIT_D_HEAD, WIDTH), "attn.proj": (WIDTH, WIDTH)}
        maps |= {f"mlp.{name}": size for name, size in {**mlp, "proj": (WIDTH, 48)}.items()}
        shapes |= {f"{here}{name}.weight": size for name, size in maps.items()}
        shapes |= {f"{here}{name}.bias": size[:1] for name, size in maps.items()} if bias else {}
        norms = [f"{here}norm_1", f"{here}norm_2"]
        shapes |= {f"{norm}.weight": (WIDTH,) for norm in norms}
        shapes |= {f"{norm}.bias": (WIDTH,) for norm in norms} if shape == "neox" else {}
        shapes |= {f"{here}attn.beta": ()} if tempered else {}
    shapes |= {"transformer.norm.bias": (WIDTH,)} if shape == "neox" else {}
    return {
        name.replace("transformer.norm", "transformer.ln_f"): tensor for name, tensor in random_state(shapes).items()
    }


def lit_logits(state: State, ids: Tensor, shape: str) -> Tensor:
    """litgpt's blocks: RMS norms, a gated MLP and 2 groups, or layer norms with MLP and attention side by side."""
    x, groups = state["transformer.wte.weight"][ids], 2 if shape == "llama" else HEADS

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def norm(x: Tensor, name: str) -> Tensor:
        weight, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
        return rms(x, weight, 1e-5) if shape == "llama" else layer_norm(x, x.shape[-1:], weight, bias)

    for layer in range(LAYERS):
        here = f"transformer.h.{layer}."
        mixed = lit_attention(
            norm(x, f"{here}norm_1"), state, here, groups, LIT_D_HEAD if shape == "llama" else LIT_D_HEAD // 2
        )
        attended = linear(mixed, f"{here}attn.proj")
        if shape == "llama":
            x = x + attended
            h = norm(x, f"{here}norm_2")
            x = x + linear(silu(linear(h, f"{here}mlp.fc_1")) * linear(h, f"{here}mlp.fc_2"), f"{here}mlp.proj")
        else:
            h = norm(x, f"{here}norm_2")
            x = x + attended + linear(gelu(linear(h, f"{here}mlp.fc")), f"{here}mlp.proj")
    return linear(norm(x, "transformer.ln_f"), "lm_head")


def lit_attention(x: Tensor, state: State, here: str, groups: int, n_turned: int) -> Tensor:
    """The heads of a layer side by side; the older code's matrix holds groups, the newer queries, keys and values."""
    name = next(name for name in ("attn", "qkv") if f"{here}attn.{name}.weight" in state)
    fused = x @ state[f"{here}attn.{name}.weight"].T + state.get(f"{here}attn.{name}.bias", torch.zeros(()))
    if name == "qkv":
        q, k, v = (
            split_heads(part, part.shape[-1] // LIT_D_HEAD) for part in fused.split([32, groups * 8, groups * 8], -1)
        )
    else:
        parts = fused.unflatten(-1, (groups, -1, LIT_D_HEAD)).permute(0, 2, 3, 1, 4)
        q, k, v = (part.flatten(1, 2) for part in parts.split([HEADS // groups, 1, 1], dim=2))
    q, k = (torch.cat([turned_halves(part[..., :n_turned]), part[..., n_turned:]], -1) for part in (q, k))
    k, v = (part.repeat_interleave(HEADS // groups, dim=1) for part in (k, v))
    beta = state.get(f"{here}attn.beta")
    return softmax_attention(q, k, v, 1.0 if beta is None else tau_of_row(beta, x.shape[1]))


def turned_halves(x: Tensor) -> Tensor:
    """Entry i and i + D/2 as a complex number, turned by their position."""
    pairs = torch.complex(*x.chunk(2, -1)) * turns(x.shape[-1], x.shape[-2])
    return torch.cat([pairs.real, pairs.imag], -1)


# U-ViT's authors

UVIT_CLASSES, UVIT_DEPTH = 5, 5


def uvit_state(smooth: bool = True) -> State:
    """8 × 8 images of 3 channels in 2 × 2 patches; the last class is the null class."""
    shapes: dict[str, tuple[int, ...]] = {
        "pos_embed": (1, 18, WIDTH),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
        "label_emb.weight": (UVIT_CLASSES, WIDTH),
        "decoder_pred.weight": (12, WIDTH),
        "decoder_pred.bias": (12,),
    }
    half = UVIT_DEPTH // 2
    outer = [f"out_blocks.{number}" for number in range(half)]
    for block in [*(f"in_blocks.{number}" for number in range(half)), "mid_block", *outer]:
        maps = {"attn.qkv": (96, WIDTH), "attn.proj": (WIDTH, WIDTH), "mlp.fc1": (64, WIDTH), "mlp.fc2": (WIDTH, 64)}
        maps |= {"skip_linear": (WIDTH, 64)} if block in outer else {}
        shapes |= {f"{block}.{name}.weight": size for name, size in maps.items()}
        shapes |= {f"{block}.{name}.bias": size[:1] for name, size in maps.items() if name != "attn.qkv"}
        shapes |= {f"{block}.{norm}.{kind}": (WIDTH,) for norm in ("norm1", "norm2") for kind in ("weight", "bias")}
    state = random_state(shapes) | {"patch_embed.proj.weight": torch.randn(WIDTH, 3, 2, 2) * 0.3}
    state |= {"patch_embed.proj.bias": torch.randn(WIDTH) * 0.3}
    return state | (
        {"final_layer.weight": torch.randn(3, 3, 3, 3), "final_layer.bias": torch.randn(3)} if smooth else {}
    )


def uvit_noise(state: State, images: Tensor, time: Tensor, label: Tensor, attention: str) -> Tensor:
    """The predicted noise; with Cog in all blocks but the first and the last."""
    patches = conv2d(images, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=2)
    frequency = torch.exp(-math.log(10_000) * torch.arange(WIDTH // 2) / (WIDTH // 2))
    angle = time[:, None] * frequency
    clock = torch.cat([angle.cos(), angle.sin()], -1)[:, None]
    x = torch.cat([state["label_emb.weight"][label][:, None], clock, patches.flatten(2).transpose(1, 2)], 1)
    x, kept, half = x + state["pos_embed"], [], UVIT_DEPTH // 2
    for number in range(half):
        x = uvit_block(x, state, f"in_blocks.{number}.", attention if number else "softmax")
        kept.append(x)
    x = uvit_block(x, state, "mid_block.", attention)
    for number in range(half):
        here = f"out_blocks.{number}."
        x = linear_map(torch.cat([x, kept.pop()], -1), state, f"{here}skip_linear")
        x = uvit_block(x, state, here, attention if number < half - 1 else "softmax")
    x = linear_map(plain_norm(x, state, "norm"), state, "decoder_pred")[:, 2:]
    pixels = x.view(len(x), 4, 4, 2, 2, 3).permute(0, 5, 1, 3, 2, 4).reshape(len(x), 3, 8, 8)
    if "final_layer.weight" not in state:
        return pixels
    return conv2d(pixels, state["final_layer.weight"], state["final_layer.bias"], padding=1)


def uvit_block(x: Tensor, state: State, here: str, attention: str) -> Tensor:
    q, k, v = (
        split_heads(part, HEADS)
        for part in linear_map(plain_norm(x, state, f"{here}norm1"), state, f"{here}attn.qkv").chunk(3, -1)
    )
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    pattern = scores.softmax(-1) if attention == "softmax" else scores.sign() * scores.abs().softmax(-1)
    x = x + linear_map((pattern @ v).transpose(1, 2).flatten(2), state, f"{here}attn.proj")
    hidden = gelu(linear_map(plain_norm(x, state, f"{here}norm2"), state, f"{here}mlp.fc1"))
    return x + linear_map(hidden, state, f"{here}mlp.fc2")


def linear_map(x: Tensor, state: State, name: str) -> Tensor:
    return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))


def plain_norm(x: Tensor, state: State, name: str) -> Tensor:
    return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state.get(f"{name}.bias"))


# x-transformers

XT_D_HEAD = WIDTH // HEADS


def xt_state(rotary: bool, rms_norm: bool, gated: bool, tied: bool = False) -> State:
    """As `TransformerWrapper(attn_layers=Decoder(…))` names it; half of a head is rotated; 2 groups with RMS norms."""
    gain, groups = ("g", 2) if rms_norm else ("gamma", HEADS)
    shapes: dict[str, tuple[int, ...]] = {
        "token_emb.emb.weight": (VOCABULARY, WIDTH),
        f"attn_layers.final_norm.{gain}": (WIDTH,),
    }
    shapes |= {} if tied else {"to_logits.weight": (VOCABULARY, WIDTH)}
    shapes |= {} if rotary else {"pos_emb.emb.weight": (CONTEXT, WIDTH)}
    for layer in range(LAYERS):
        attention, mlp = f"attn_layers.layers.{2 * layer}.", f"attn_layers.layers.{2 * layer + 1}."
        shapes |= {f"{part}0.0.{gain}": (WIDTH,) for part in (attention, mlp)}
        rows = {"q": WIDTH, "k": groups * XT_D_HEAD, "v": groups * XT_D_HEAD, "out": WIDTH}
        shapes |= {f"{attention}1.to_{name}.weight": (size, WIDTH) for name, size in rows.items()}
        first, size = ("proj", 96) if gated else ("0", 48)
        shapes |= {f"{mlp}1.ff.0.{first}.weight": (size, WIDTH), f"{mlp}1.ff.0.{first}.bias": (size,)}
        shapes |= {f"{mlp}1.ff.2.weight": (WIDTH, 48), f"{mlp}1.ff.2.bias": (WIDTH,)}
    state = random_state(shapes)
    angles = 10_000.0 ** (-torch.arange(0, XT_D_HEAD // 2, 2) / (XT_D_HEAD // 2))
    return state | ({"attn_layers.rotary_pos_emb.inv_freq": angles} if rotary else {})


def xt_logits(state: State, ids: Tensor, activation: Any = gelu, offset: float = 0) -> Tensor:
    """Norms with a gain alone, scaled learned positions or a head rotated in half, value times act(gate)."""
    x, is_rotary = state["token_emb.emb.weight"][ids], "pos_emb.emb.weight" not in state
    if not is_rotary:
        x = x + state["pos_emb.emb.weight"][: ids.shape[1]] * WIDTH**-0.5

    def norm(x: Tensor, name: str) -> Tensor:
        if f"{name}.gamma" in state:
            return layer_norm(x, x.shape[-1:], state[f"{name}.gamma"] + offset)
        return x / x.norm(dim=-1, keepdim=True) * WIDTH**0.5 * (state[f"{name}.g"] + offset)

    for layer in range(LAYERS):
        attention, mlp = f"attn_layers.layers.{2 * layer}.", f"attn_layers.layers.{2 * layer + 1}."
        h = norm(x, f"{attention}0.0")
        parts = (linear_map(h, state, f"{attention}1.to_{name}") for name in "qkv")
        q, k, v = (split_heads(part, part.shape[-1] // XT_D_HEAD) for part in parts)
        if is_rotary:
            q, k = (torch.cat([turned_pairs(part[..., :4]), part[..., 4:]], -1) for part in (q, k))
        k, v = (part.repeat(1, HEADS // part.shape[1], 1, 1) for part in (k, v))
        x = x + linear_map(softmax_attention(q, k, v), state, f"{attention}1.to_out")
        h = norm(x, f"{mlp}0.0")
        if f"{mlp}1.ff.0.proj.weight" in state:
            value, gate = linear_map(h, state, f"{mlp}1.ff.0.proj").chunk(2, -1)
            x = x + linear_map(value * activation(gate), state, f"{mlp}1.ff.2")
        else:
            x = x + linear_map(activation(linear_map(h, state, f"{mlp}1.ff.0.0")), state, f"{mlp}1.ff.2")
    head = state.get("to_logits.weight", state["token_emb.emb.weight"])
    return norm(x, "attn_layers.final_norm") @ head.T
