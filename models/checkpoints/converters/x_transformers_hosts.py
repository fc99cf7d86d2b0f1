"""Which model computes an x-transformers decoder: a vanilla transformer, or with a gated MLP a Llama."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isclose

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel
from headscope.models.checkpoints.converters.facts import KnownFacts
from headscope.models.checkpoints.converters.renaming import halves_from_pairs
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields

NO_EPS = 1e-24  # its RMS norms divide by the length itself


@dataclass(frozen=True)
class Decoder:
    """An x-transformers decoder taken apart: tensors by part, as `0.attention.q` and `norm`; facts; where it lies.

    rotations: the angle per position of every rotated pair of a head, where positions are rotary.
    """

    parts: dict[str, Tensor]
    facts: KnownFacts
    origin: str
    has_rms: bool
    rotations: Tensor | None

    @property
    def n_layers(self) -> int:
        """Pairs of an attention and an MLP."""
        return sum(name.endswith(".attention.q") for name in self.parts)

    @property
    def d_head(self) -> int:
        """Entries of a head."""
        rows, n_heads = self.parts["0.attention.q"].shape[0], self.facts["n_heads"]
        if n_heads < 1 or rows % n_heads:
            raise CheckpointError(f"cannot open {self.origin}: n_heads={n_heads} does not divide {rows}")
        return rows // n_heads

    def heads(self, layer: int, name: str) -> Tensor:
        """The projection of every head's queries, keys or values [head d_head d_model].

        Of fewer heads of keys than of queries the library repeats all of them in turn: so head 1 reads the second.
        """
        heads, count = self.parts[f"{layer}.attention.{name}"].unflatten(0, (-1, self.d_head)), self.facts["n_heads"]
        if count % len(heads):
            raise CheckpointError(f"cannot open {self.origin}: {len(heads)} heads of {name} do not divide {count}")
        return heads.repeat(count // len(heads), 1, 1)

    def rows(self, layer: int, name: str) -> Tensor:
        """The same as a projection's rows; of rotated heads first the even entries, then the odd ones."""
        rows = self.heads(layer, name).flatten(0, 1)
        is_turned = self.rotations is not None and name in "qk"
        return halves_from_pairs(rows, self.facts["n_heads"]) if is_turned else rows

    def bias(self, part: str) -> Tensor:
        """The bias of a map, or zeros."""
        weight = self.parts[f"{part}.weight"]
        return self.parts.get(f"{part}.bias", weight.new_zeros(weight.shape[0]))

    @property
    def rope(self) -> Fields:
        """The rotary positions; of a head that is rotated in part, the other pairs have the frequency 0."""
        if self.rotations is None:
            return {}
        turned = 2 * len(self.rotations)
        base = float(self.rotations[-1].double()) ** (-turned / (turned - 2)) if turned > 2 else 10_000.0
        share = turned / self.d_head
        if isclose(share, 1):
            return {"rope_parameters": {"rope_type": "default", "rope_theta": round(base, 2)}}
        part = {"rope_theta": round(base, 2) ** (1 / share), "partial_rotary_factor": share}
        return {"rope_parameters": {"rope_type": "proportional", **part}}

    @property
    def fields(self) -> Fields:
        """What both hosts' configs say."""
        vocabulary, width = self.parts["embedding"].shape
        head = self.parts.get("head")
        return {
            "vocab_size": vocabulary,
            "hidden_size": width,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.facts["n_heads"],
            "num_key_value_heads": self.facts["n_heads"],
            "head_dim": self.d_head,
            "intermediate_size": self.parts["0.mlp.out.weight"].shape[1],
            "hidden_act": self.facts["activation"],
            "max_position_embeddings": self.facts["context"],
            "tie_word_embeddings": head is None or torch.equal(head, self.parts["embedding"]),
            "attention_bias": False,
            "mlp_bias": True,
            "bos_token_id": None,
            "eos_token_id": None,
            "attention_spec": AttentionSpec("softmax").to_json(),
            **self.rope,
        }

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What has the same name in both hosts."""
        embedding, head = self.parts["embedding"], self.parts.get("head", self.parts["embedding"])
        names = {"model.embed_tokens.weight": embedding, "lm_head.weight": head}
        tensors = {**names, "model.norm.weight": self.parts["norm"]}
        for layer in range(self.n_layers):
            here = f"model.layers.{layer}."
            tensors |= {f"{here}self_attn.{name}_proj.weight": self.rows(layer, name) for name in "qkv"}
            tensors[f"{here}self_attn.o_proj.weight"] = self.parts[f"{layer}.attention.out"]
            tensors[f"{here}input_layernorm.weight"] = self.parts[f"{layer}.attention.norm"]
            tensors[f"{here}post_attention_layernorm.weight"] = self.parts[f"{layer}.mlp.norm"]
            tensors[f"{here}mlp.down_proj.weight"] = self.parts[f"{layer}.mlp.out.weight"]
            tensors[f"{here}mlp.down_proj.bias"] = self.bias(f"{layer}.mlp.out")
        return tensors


def vanilla_transformer(decoder: Decoder) -> ConvertedModel:
    """Any positions and norms with a plain MLP."""
    tensors, width = decoder.tensors, decoder.parts["embedding"].shape[1]
    for layer in range(decoder.n_layers):
        here, part = f"model.layers.{layer}.mlp.up_proj", f"{layer}.mlp.in"
        tensors |= {f"{here}.weight": decoder.parts[f"{part}.weight"], f"{here}.bias": decoder.bias(part)}
    if "positions" in decoder.parts:
        tensors["model.embed_positions.weight"] = decoder.parts["positions"] * width**-0.5
    kind = "learned" if "positions" in decoder.parts else "none" if decoder.rotations is None else "rotary"
    own = {"model_type": "vanilla_transformer", "position_embedding": kind, "norm_bias": False, "lm_head_bias": False}
    norms = {"norm": "rms_norm", "norm_eps": NO_EPS} if decoder.has_rms else {"norm": "layer_norm", "norm_eps": 1e-5}
    return ConvertedModel({**decoder.fields, **own, **norms}, tensors)


def llama(decoder: Decoder) -> ConvertedModel:
    """Rotary positions, RMS norms and a gated MLP."""
    if decoder.rotations is None or not decoder.has_rms:
        raise CheckpointError(
            f"cannot open {decoder.origin}: it has a gated MLP, which a model here has with rotary positions and RMS "
            "norms alone"
        )
    tensors = decoder.tensors
    for layer in range(decoder.n_layers):
        part, here = f"{layer}.mlp.in", f"model.layers.{layer}.mlp."
        for kind, fused in (("weight", decoder.parts[f"{part}.weight"]), ("bias", decoder.bias(part))):
            value, gate = fused.chunk(2)
            tensors |= {f"{here}up_proj.{kind}": value, f"{here}gate_proj.{kind}": gate}
    return ConvertedModel({**decoder.fields, "model_type": "llama", "rms_norm_eps": NO_EPS}, tensors)


HOSTS: dict[str, Callable[[Decoder], ConvertedModel]] = {"plain": vanilla_transformer, "gated": llama}
