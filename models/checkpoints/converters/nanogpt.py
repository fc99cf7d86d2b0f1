"""nanoGPT (Karpathy) and what was made of it: GPT-2 with linear maps in the place of its convolutions.

Biases may be left out, which are zeros then. With the `beta` of selective attention's training code it is selective.
"""

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.renaming import renamed_tensors, transposed
from headscope.models.checkpoints.converters.temperature import TEMPERATURE, temperature_spec, with_temperatures

LAYER = r"transformer\.h\.(\d+)\."
EMBEDDING, POSITIONS, HEAD = "transformer.wte.weight", "transformer.wpe.weight", "lm_head.weight"
NAMES = {
    r"(transformer\.wte\.weight|transformer\.wpe\.weight|lm_head\.weight)": r"\1",
    r"(transformer\.h\.\d+\.(?:attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.(?:weight|bias))": r"\1",
    r"(transformer\.(?:h\.\d+\.ln_[12]|ln_f)\.)(?:weight|gamma)": r"\1weight",
    r"(transformer\.(?:h\.\d+\.ln_[12]|ln_f)\.)(?:bias|beta)": r"\1bias",
    r"(transformer\.h\.\d+\.attn\.)beta": r"\1variant.temperature_q.position",
}
MAPS = r"transformer\.h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight"
MASKS = (r"transformer\.h\.\d+\.attn\.(bias|mask|masked_bias)",)
WITH_BIAS = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")


def recognises(checkpoint: ForeignCheckpoint) -> bool:
    """GPT-2's names, and a c_attn with three times as many rows as columns, where GPT-2's has as many columns."""
    name = "transformer.h.0.attn.c_attn.weight"
    if not checkpoint.has(EMBEDDING, POSITIONS, name, "transformer.h.0.mlp.c_fc.weight"):
        return False
    width = checkpoint.shape(EMBEDDING)[-1]
    return checkpoint.shape(name) == (3 * width, width)


def convert(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """GPT-2, with the biases that were left out as zeros."""
    tensors = renamed_tensors(checkpoint, NAMES, {MAPS: transposed}, MASKS)
    tensors = with_temperatures(tensors, facts["temperature"], checkpoint)
    n_layers = checkpoint.count(LAYER)
    (vocabulary, width), context = checkpoint.shape(EMBEDDING), checkpoint.shape(POSITIONS)[0]
    fields = {
        "model_type": "gpt2",
        "vocab_size": vocabulary,
        "n_positions": context,
        "n_embd": width,
        "n_layer": n_layers,
        "n_head": facts["n_heads"],
        "n_inner": checkpoint.shape("transformer.h.0.mlp.c_fc.weight")[0],
        "activation_function": facts["activation"],
        "layer_norm_epsilon": facts["norm_eps"],
        "tie_word_embeddings": is_tied(checkpoint),
        "bos_token_id": None,
        "eos_token_id": None,
        "attention_spec": temperature_spec(tensors).to_json(),
    }
    return ConvertedModel(fields, with_biases(tensors, n_layers))


def is_tied(checkpoint: ForeignCheckpoint) -> bool:
    """Whether the output embedding repeats the input embedding."""
    head = checkpoint.tensors.get(HEAD)
    return head is None or torch.equal(head, checkpoint.tensors[EMBEDDING])


def with_biases(tensors: dict[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """The tensors with zeros for every bias that GPT-2 has and the checkpoint has not."""
    parts = [f"transformer.h.{layer}.{part}" for layer in range(n_layers) for part in WITH_BIAS]
    weights = {part: tensors[f"{part}.weight"] for part in (*parts, "transformer.ln_f") if f"{part}.weight" in tensors}
    return {f"{part}.bias": weight.new_zeros(weight.shape[-1]) for part, weight in weights.items()} | tensors


NANOGPT = Converter(
    kind="a nanoGPT checkpoint",
    recognises=recognises,
    convert=convert,
    facts={
        "n_heads": Fact(
            "heads of a layer", int, lambda checkpoint: checkpoint.stated("n_head", "n_heads", "num_heads", "heads")
        ),
        "activation": Fact("of the MLP", str, assumed="gelu", choices=("gelu", "gelu_new", "relu", "silu")),
        "norm_eps": Fact("ε of the norms", float, assumed=1e-5),
        "temperature": TEMPERATURE,
    },
)
