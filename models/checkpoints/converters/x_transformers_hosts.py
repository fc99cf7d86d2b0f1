"""Which of transformers' models computes an x-transformers decoder: by its positions, its norms and its MLP."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel
from headscope.models.checkpoints.converters.facts import KnownFacts
from headscope.models.checkpoints.converters.rotation import halves_from_pairs
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields

NO_EPS = 1e-24  # its RMS norms divide by the length itself


@dataclass(frozen=True)
class Decoder:
    """An x-transformers decoder taken apart: tensors by part, as `0.attention.q` and `norm`; facts; where it lies.

    rotations: the angle per position of every rotated pair of a head, if positions are rotary.
    """

    parts: dict[str, Tensor]
    facts: KnownFacts
    origin: str
    rotations: Tensor | None

    @property
    def n_layers(self) -> int:
        """Pairs of an attention and an MLP."""
        return sum(name.endswith(".attention.q") for name in self.parts)

    @property
    def n_heads(self) -> int:
        """Heads of queries."""
        return self.facts["n_heads"]

    @property
    def d_head(self) -> int:
        """Entries of a head."""
        rows = self.parts["0.attention.q"].shape[0]
        if self.n_heads < 1 or rows % self.n_heads:
            raise CheckpointError(f"cannot open {self.origin}: n_heads={self.n_heads} does not divide {rows}")
        return rows // self.n_heads

    def heads(self, layer: int, name: str) -> Tensor:
        """The projection of every head's queries, keys or values [head d_head d_model].

        Of fewer heads of keys than of queries the library repeats all of them in turn: so head 1 reads the second.
        """
        heads = self.parts[f"{layer}.attention.{name}"].unflatten(0, (-1, self.d_head))
        if self.n_heads % len(heads):
            raise CheckpointError(
                f"cannot open {self.origin}: {len(heads)} heads of {name} do not divide {self.n_heads}"
            )
        return heads.repeat(self.n_heads // len(heads), 1, 1)

    @property
    def n_turned(self) -> int:
        """Entries of a head that are rotated."""
        return 0 if self.rotations is None else 2 * len(self.rotations)

    @property
    def base(self) -> float:
        """The base of the rotations."""
        if self.rotations is None or len(self.rotations) < 2:
            return 10_000.0
        return round(float(self.rotations[-1].double()) ** (-self.n_turned / (self.n_turned - 2)), 2)

    @property
    def fields(self) -> Fields:
        """What every host's config says."""
        vocabulary, width = self.parts["embedding"].shape
        return {
            "vocab_size": vocabulary,
            "hidden_size": width,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.n_heads,
            "intermediate_size": self.parts["0.mlp.out.weight"].shape[1],
            "max_position_embeddings": self.facts["context"],
            "tie_word_embeddings": self.head is self.parts["embedding"]
            or torch.equal(self.head, self.parts["embedding"]),
            "bos_token_id": None,
            "eos_token_id": None,
            "attention_spec": AttentionSpec("softmax").to_json(),
        }

    @property
    def head(self) -> Tensor:
        """The output embedding."""
        return self.parts.get("head", self.parts["embedding"])

    def bias(self, part: str) -> Tensor:
        """The bias of a map or norm, or zeros."""
        weight = self.parts.get(f"{part}.weight", self.parts.get(part))
        assert weight is not None
        return self.parts.get(f"{part}.bias", weight.new_zeros(weight.shape[0]))

    def refuse_other_heads(self, host: str) -> None:
        """Raise CheckpointError for head sizes that only some hosts have."""
        width = self.parts["embedding"].shape[1]
        if self.n_heads * self.d_head != width:
            raise CheckpointError(
                f"cannot open {self.origin}: it has {self.n_heads} heads of {self.d_head} entries, and a {host}, the "
                f"model here with its positions, norms and MLP, splits {width} among them"
            )


def gpt2(decoder: Decoder) -> ConvertedModel:
    """Learned positions, layer norms, a plain MLP."""
    decoder.refuse_other_heads("GPT-2")
    parts, width = decoder.parts, decoder.parts["embedding"].shape[1]
    tensors = {
        "transformer.wte.weight": parts["embedding"],
        "transformer.wpe.weight": parts["positions"] * width**-0.5,
        "transformer.ln_f.weight": parts["norm"],
        "transformer.ln_f.bias": decoder.bias("norm"),
        "lm_head.weight": decoder.head,
    }
    for layer in range(decoder.n_layers):
        here, attention, mlp = f"transformer.h.{layer}", f"{layer}.attention", f"{layer}.mlp"
        fused = torch.cat([decoder.heads(layer, name).flatten(0, 1) for name in "qkv"])
        maps = {"attn.c_attn": fused, "attn.c_proj": parts[f"{attention}.out"]}
        tensors |= {f"{here}.{name}.weight": weight.T for name, weight in maps.items()}
        tensors |= {f"{here}.{name}.bias": weight.new_zeros(weight.shape[0]) for name, weight in maps.items()}
        tensors |= {f"{here}.mlp.{name}.weight": parts[f"{mlp}.{part}.weight"].T for name, part in GPT2_MLP.items()}
        tensors |= {f"{here}.mlp.{name}.bias": decoder.bias(f"{mlp}.{part}") for name, part in GPT2_MLP.items()}
        tensors |= norms(decoder, layer, f"{here}.ln_1", f"{here}.ln_2", has_bias=True)
    own = {"model_type": "gpt2", "activation_function": decoder.facts["activation"], "layer_norm_epsilon": 1e-5}
    fields = {**decoder.fields, **own}
    return ConvertedModel({**fields, "n_inner": fields.pop("intermediate_size")}, tensors)


def gpt_neox(decoder: Decoder) -> ConvertedModel:
    """Rotary positions, layer norms, a plain MLP after the attention."""
    decoder.refuse_other_heads("GPT-NeoX")
    parts, n_turned = decoder.parts, decoder.n_turned
    tensors = {
        "gpt_neox.embed_in.weight": parts["embedding"],
        "gpt_neox.final_layer_norm.weight": parts["norm"],
        "gpt_neox.final_layer_norm.bias": decoder.bias("norm"),
        "lm_head.weight": decoder.head,
    }
    for layer in range(decoder.n_layers):
        here, attention, mlp = f"gpt_neox.layers.{layer}", f"{layer}.attention", f"{layer}.mlp"
        q, k, v = (decoder.heads(layer, name) for name in "qkv")
        q, k = (torch.cat([turned(heads[:, :n_turned]), heads[:, n_turned:]], dim=1) for heads in (q, k))
        maps = {"query_key_value": torch.cat([q, k, v], dim=1).flatten(0, 1), "dense": parts[f"{attention}.out"]}
        tensors |= {f"{here}.attention.{name}.weight": weight for name, weight in maps.items()}
        tensors |= {f"{here}.attention.{name}.bias": weight.new_zeros(weight.shape[0]) for name, weight in maps.items()}
        tensors |= {f"{here}.mlp.{name}.weight": parts[f"{mlp}.{part}.weight"] for name, part in NEOX_MLP.items()}
        tensors |= {f"{here}.mlp.{name}.bias": decoder.bias(f"{mlp}.{part}") for name, part in NEOX_MLP.items()}
        tensors |= norms(decoder, layer, f"{here}.input_layernorm", f"{here}.post_attention_layernorm", has_bias=True)
    rope = {"rope_theta": decoder.base, "partial_rotary_factor": n_turned / decoder.d_head}
    own = {"model_type": "gpt_neox", "use_parallel_residual": False, "layer_norm_eps": 1e-5, "attention_bias": True}
    more = {"hidden_act": decoder.facts["activation"], "rope_parameters": {"rope_type": "default", **rope}}
    return ConvertedModel({**decoder.fields, **own, **more}, tensors)


def turned(heads: Tensor) -> Tensor:
    """Even entries of every head, then odd ones."""
    return halves_from_pairs(heads.flatten(0, 1), heads.shape[0]).view_as(heads)


def llama(decoder: Decoder) -> ConvertedModel:
    """Rotary positions, RMS norms, a gated MLP, heads of any size."""
    tensors = llama_shaped(decoder)
    for layer in range(decoder.n_layers):
        mlp = f"{layer}.mlp.in"
        for kind, fused in (("weight", decoder.parts[f"{mlp}.weight"]), ("bias", decoder.bias(mlp))):
            value, gate = fused.chunk(2)
            names = {"up_proj": value, "gate_proj": gate}
            tensors |= {f"model.layers.{layer}.mlp.{name}.{kind}": part for name, part in names.items()}
    return ConvertedModel({**decoder.fields, **llama_fields(decoder), "model_type": "llama"}, tensors)


def arcee(decoder: Decoder) -> ConvertedModel:
    """Rotary positions, RMS norms, a plain MLP, heads of any size."""
    tensors = llama_shaped(decoder)
    for layer in range(decoder.n_layers):
        mlp, here = f"{layer}.mlp.in", f"model.layers.{layer}.mlp.up_proj"
        tensors |= {f"{here}.weight": decoder.parts[f"{mlp}.weight"], f"{here}.bias": decoder.bias(mlp)}
    return ConvertedModel({**decoder.fields, **llama_fields(decoder), "model_type": "arcee"}, tensors)


def llama_shaped(decoder: Decoder) -> dict[str, Tensor]:
    """The tensors that Llama and Arcee have under the same names."""
    parts = decoder.parts
    tensors = {
        "model.embed_tokens.weight": parts["embedding"],
        "model.norm.weight": parts["norm"],
        "lm_head.weight": decoder.head,
    }
    for layer in range(decoder.n_layers):
        here = f"model.layers.{layer}"
        q, k, v = (decoder.heads(layer, name) for name in "qkv")
        maps = {name: heads.flatten(0, 1) for name, heads in {"q": turned(q), "k": turned(k), "v": v}.items()}
        maps["o"] = parts[f"{layer}.attention.out"]
        tensors |= {f"{here}.self_attn.{name}_proj.weight": weight for name, weight in maps.items()}
        tensors[f"{here}.mlp.down_proj.weight"] = parts[f"{layer}.mlp.out.weight"]
        tensors[f"{here}.mlp.down_proj.bias"] = decoder.bias(f"{layer}.mlp.out")
        tensors |= norms(decoder, layer, f"{here}.input_layernorm", f"{here}.post_attention_layernorm", has_bias=False)
    return tensors


def llama_fields(decoder: Decoder) -> Fields:
    """The fields that Llama and Arcee have. Of a head that is rotated in part, the other pairs have the frequency 0."""
    share = decoder.n_turned / decoder.d_head
    whole = {"rope_type": "default", "rope_theta": decoder.base}
    part = {"rope_type": "proportional", "rope_theta": decoder.base ** (1 / share), "partial_rotary_factor": share}
    return {
        "num_key_value_heads": decoder.n_heads,
        "head_dim": decoder.d_head,
        "rms_norm_eps": NO_EPS,
        "rope_parameters": whole if math.isclose(share, 1) else part,
        "hidden_act": decoder.facts["activation"],
        "attention_bias": False,
        "mlp_bias": True,
    }


def norms(decoder: Decoder, layer: int, first: str, second: str, *, has_bias: bool) -> dict[str, Tensor]:
    """The norms before a layer's attention and MLP."""
    names = {first: f"{layer}.attention.norm", second: f"{layer}.mlp.norm"}
    biases = {f"{name}.bias": decoder.bias(part) for name, part in names.items()} if has_bias else {}
    return {f"{name}.weight": decoder.parts[part] for name, part in names.items()} | biases


GPT2_MLP = {"c_fc": "in", "c_proj": "out"}
NEOX_MLP = {"dense_h_to_4h": "in", "dense_4h_to_h": "out"}
# Positions, norms, MLP -> the host.
HOSTS: dict[tuple[str, str, str], Callable[[Decoder], ConvertedModel]] = {
    ("learned", "layer", "plain"): gpt2,
    ("rotary", "layer", "plain"): gpt_neox,
    ("rotary", "RMS", "gated"): llama,
    ("rotary", "RMS", "plain"): arcee,
}
