"""Untrained: a model of any family before its first step of training."""

from copy import deepcopy
from difflib import get_close_matches

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from headscope.models.hosts.attachment import attach
from headscope.models.hosts.families import Family, family_of
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.memory import free_bytes, gib
from headscope.models.seam.construction import CONSTRUCTION
from headscope.models.seam.input_sizes import two_sides

MOST_LAYERS = 1024
BYTES_PER_WEIGHT = 16  # in training: a weight, its gradient and two moments, of four bytes each


def untrained_model(config: PreTrainedConfig, spec: AttentionSpec, seed: int = 0) -> PreTrainedModel:
    """A fresh float32 model with the spec's attention; equal seeds give equal weights for every variant."""
    head = family_of(config.model_type).modality.head
    with CONSTRUCTION:
        torch.manual_seed(seed)
        return attach(head.from_config(config, dtype=torch.float32, attn_implementation="eager"), spec)


def untrained_family(fields: Fields) -> Family:
    """The family that the fields of a config name."""
    if "model_type" not in fields:
        raise ValueError("the recipe's model has no 'model_type'; give one, such as 'llama'")
    return family_of(str(fields["model_type"]))


def untrained_config(fields: Fields, decided: Fields) -> PreTrainedConfig:
    """The config of a model from its fields, `model_type` among them, and those that its data decides.

    Raises ValueError for a family or a field that is unknown, and for a shape that is impossible.
    """
    kind = untrained_family(fields).modality.configs[fields["model_type"]]
    refuse_fields(fields, kind, decided)
    own = {name: value for name, value in fields.items() if name != "model_type"}
    with foreign_input(f"the recipe's model is no {fields['model_type']}"):
        config = kind(**own, **decided)
    refuse_untiled(config)
    return config


def refuse_fields(fields: Fields, kind: type[PreTrainedConfig], decided: Fields) -> None:
    """Refuse fields that are decided elsewhere, and those that no such config has."""
    if owned := [name for name in (*decided, "attention_spec") if name in fields]:
        raise ValueError(
            f"the recipe's model sets {owned[0]!r}, which the tokenizer, the data or the attention table decides"
        )
    known = kind().to_dict()
    if unknown := [name for name in fields if name not in known and name not in kind.attribute_map]:
        alike = get_close_matches(unknown[0], known, n=3, cutoff=0.5) or sorted(known)
        raise ValueError(f"unknown {fields['model_type']} field {unknown[0]!r}; known: {', '.join(alike)}")


def refuse_untiled(config: PreTrainedConfig) -> None:
    """Refuse patches that do not tile the images."""
    if not hasattr(config, "patch_size"):
        return
    for side, patch in zip(two_sides(config.image_size), two_sides(config.patch_size), strict=True):
        if patch < 1 or side % patch:
            sizes = ", ".join(str(size) for size in range(1, side + 1) if side % size == 0)
            raise ValueError(f"the recipe's model has 'patch_size' {patch}; images of {side} pixels take {sizes}")


def refuse_huge(config: PreTrainedConfig) -> None:
    """Refuse a model that cannot be trained in the memory that is free, before anything of it is made."""
    if (layers := config.num_hidden_layers) > MOST_LAYERS:
        raise ValueError(f"the recipe's model has {layers} layers; at most {MOST_LAYERS} are trained")
    with foreign_input(f"the recipe's model is no {config.model_type}"), torch.device("meta"):
        weights = family_of(config.model_type).modality.head.from_config(deepcopy(config)).num_parameters()
    if (needed := weights * BYTES_PER_WEIGHT) > (free := free_bytes()):
        raise ValueError(f"the recipe's model takes {gib(needed)} of memory in training, and {gib(free)} are free here")
