"""What config.json says a model is: a transformers config and an attention spec; no code, and no size trusted."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

from transformers import PreTrainedConfig

from headscope.models.checkpoints.config.labels import LABELS, labels
from headscope.models.checkpoints.config.rope import refuse_unused_rope
from headscope.models.checkpoints.files.entries import read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.families import FAMILIES, family_of, is_family
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names

MAX_LAYERS = 1024
TAG, LIMITS = "__float__", {"Infinity": inf, "-Infinity": -inf}
REFUSED = {
    "quantization_config": "says that the weights are quantised; dequantise them and save the folder again",
    "per_layer_config": "gives layers different sizes, which the attention variants do not know",
}
# How the weights of a published folder become those that a model computes with, where transformers does it on a CPU.
DEQUANTISED = {
    "mxfp4": "; those of a gpt-oss by GptOssForCausalLM.from_pretrained(folder, dtype='auto', quantization_config="
    "Mxfp4Config(dequantize=True)).save_pretrained(another, save_original_format=False), at four times the size",
}
TOWER = "; of {}, the vision encoder alone is opened: {}.from_pretrained(folder).save_pretrained(another)"
TEXT = "; of {}, the text model alone is opened: {}.from_pretrained(folder).save_pretrained(another)"
HINTS = {
    "llama4": TEXT.format("llama4", "Llama4ForCausalLM"),
    "qwen3_5": TEXT.format("qwen3_5", "Qwen3_5ForCausalLM"),
    "qwen3_5_moe": TEXT.format("qwen3_5_moe", "Qwen3_5MoeForCausalLM"),
    "gemma3": "; of gemma3, the text model alone is opened",
    "clip": TOWER.format("clip", "CLIPVisionModel"),
    "siglip": TOWER.format("siglip", "SiglipVisionModel"),
}
# What a file says of the machine, the number format and the kernels is decided on opening; class labels are read
# apart. Names that begin with an underscore are transformers' own notes.
IGNORED = (
    *("attn_implementation", "experts_implementation", "dtype", "torch_dtype", "name_or_path", "transformers_version"),
    *("problem_type", "output_attentions", "output_hidden_states", "return_dict", *LABELS),
)


@dataclass(frozen=True)
class Description:
    """The config without the spec, and the spec; `fields` is the JSON that both were made from."""

    config: PreTrainedConfig
    spec: AttentionSpec
    fields: Fields


def description(folder: Path, n_layers: int) -> Description:
    """The description in the folder's config.json, refused unless it has as many layers as the weights."""
    return description_from_fields(read_object(folder, "config.json"), n_layers, str(folder / "config.json"))


def description_from_fields(fields: Fields, n_layers: int, origin: str) -> Description:
    """The description that `fields` make; `origin` says in errors where they came from."""
    config_class = _config_class(fields, origin)
    _refuse_other_depth(fields, config_class, n_layers, origin)
    own = {name: value for name, value in fields.items() if name not in IGNORED and not name.startswith("_")}
    for name in own:
        if callable(getattr(config_class, name, None)):
            raise CheckpointError(f"cannot open {origin}: {name!r} is no field of a {fields['model_type']} config")
    _refuse_unnamed_classes(fields.get("architectures"), origin)
    names = labels(fields, origin)
    spec = _spec(own.pop("attention_spec", AttentionSpec("softmax").to_json()), n_layers, origin)
    with foreign_input(f"cannot open {origin}: transformers refuses it", CheckpointError):
        config = config_class(**{name: plain_number(value) for name, value in own.items()}, **names)
    refuse_unused_rope(config, origin)
    return Description(config, spec, {**own, **names, "attention_spec": spec.to_json()})


def plain_number(value: object) -> object:
    """The value, or the infinite limits in it, for which transformers writes a table, as JSON has no such numbers."""
    if isinstance(value, list):
        return [plain_number(item) for item in value]
    if isinstance(value, dict) and value.keys() == {TAG}:
        return LIMITS.get(str(value[TAG]), value)
    return value


def _refuse_unnamed_classes(classes: object, origin: str) -> None:
    if classes is not None and not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        raise CheckpointError(f"cannot open {origin}: 'architectures' is {classes!r:.60}, no list of names of classes")


def _dequantised(settings: object) -> str:
    """How weights in this number format are dequantised, as the end of a sentence, or nothing."""
    return DEQUANTISED.get(str(settings.get("quant_method")), "") if isinstance(settings, dict) else ""


def _config_class(fields: Fields, origin: str) -> type[PreTrainedConfig]:
    for name, reason in REFUSED.items():
        if fields.get(name):
            raise CheckpointError(f"cannot open {origin}: {name!r} {reason}{_dequantised(fields[name])}")
    model_type = fields.get("model_type")
    _refuse_own_code(fields.get("auto_map"), model_type, origin)
    if not (isinstance(model_type, str) and is_family(model_type)):
        hint = HINTS.get(str(model_type), "")
        supported = known_names(model_type, FAMILIES)
        raise CheckpointError(
            f"cannot open {origin}: model_type {model_type!r} is not supported{hint}; supported: {supported}; and "
            "every other language model of transformers that asks its attention interface"
        )
    return family_of(model_type).modality.configs[model_type]


def _refuse_own_code(auto_map: object, model_type: object, origin: str) -> None:
    """Code in a folder is never run. That of classes named as the family's own is what transformers took over."""
    classes = auto_map.values() if isinstance(auto_map, dict) else [auto_map] if auto_map else []
    family = str(model_type).replace("_", "")
    if not all(str(name).rpartition(".")[2].replace("_", "").lower().startswith(family) for name in classes):
        raise CheckpointError(
            f"cannot open {origin}: 'auto_map' asks for the folder's own code, which is never run here; only "
            "transformers' own classes are opened"
        )


def _refuse_other_depth(fields: Fields, config_class: type[PreTrainedConfig], n_layers: int, origin: str) -> None:
    own_name = config_class.attribute_map.get("num_hidden_layers", "num_hidden_layers")
    claims = [fields[name] for name in dict.fromkeys(("num_hidden_layers", own_name)) if name in fields]
    usual = getattr(config_class, own_name, None)  # some families count their layers by other fields
    for claimed in claims or ([] if isinstance(usual, property | None) else [usual]):
        if type(claimed) is not int or claimed != n_layers:
            raise CheckpointError(
                f"cannot open {origin}: it describes {claimed!r} layers, the weights hold {n_layers}; "
                "config.json and weights are of different models"
            )
    if n_layers > MAX_LAYERS:
        raise CheckpointError(f"cannot open {origin}: {n_layers} layers; at most {MAX_LAYERS} are opened")


def _spec(stored: object, n_layers: int, origin: str) -> AttentionSpec:
    if not isinstance(stored, dict):
        raise CheckpointError(f"cannot open {origin}: attention_spec is an object, got {stored!r}")
    with foreign_input(f"cannot open {origin}: its attention_spec is none", CheckpointError):
        spec = AttentionSpec.from_json(stored)
        spec.by_layer(n_layers)
    return spec
