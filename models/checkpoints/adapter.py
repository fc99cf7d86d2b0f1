"""A LoRA adapter (a peft folder), merged into its base model where that is here: W + scale · B A."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from headscope.models.checkpoints.files.contents import ADAPTER
from headscope.models.checkpoints.files.entries import plain_file, read_object
from headscope.models.checkpoints.files.foreign_file import file_contents
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.fields import Fields

FILES = ("adapter_model.safetensors", "adapter_model.bin")
PREFIX = "base_model.model."
DOWN, UP = ".lora_A.weight", ".lora_B.weight"
# What changes more than W + scale · B A does, each with what leaves it at that.
PLAIN: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "use_dora": (None, False),
    "bias": (None, "none"),
    "lora_bias": (None, False),
    "modules_to_save": (None, []),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "alora_invocation_tokens": (None,),
    "trainable_token_indices": (None,),
    "use_qalora": (None, False),
}


def base_named(folder: Path) -> str | None:
    """The base that an adapter names, a folder or a name on the hub."""
    name = read_object(folder, ADAPTER).get("base_model_name_or_path")
    return name if isinstance(name, str) and name else None


@torch.no_grad()
def merge_adapter(folder: Path, model: PreTrainedModel) -> str:
    """Add what the adapter learned to the weights of its base, in place; gives a sha256 (hex) of it.

    Raises CheckpointError for other kinds of adapters, and for one of another model.
    """
    config = read_object(folder, ADAPTER)
    refuse_other_kinds(folder, config)
    pairs = low_rank_pairs(folder)
    digest = sha256()
    for name, (down, up) in sorted(pairs.items()):
        module = module_named(folder, model, name)
        update = scale_of(folder, config) * (up.float() @ down.float())
        update = update.T.contiguous() if isinstance(module, Conv1D) else update
        weight = module.weight
        if update.shape != weight.shape or not torch.isfinite(update).all():
            raise CheckpointError(
                f"cannot open {folder}: what it adds to {name!r} is {list(update.shape)} or not finite, and its base "
                f"has {list(weight.shape)}"
            )
        weight += update.to(weight.dtype)
        digest.update(name.encode())
        digest.update(update.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def low_rank_pairs(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Name of a map in the base -> A [r in] and B [out r]."""
    file = next((plain_file(folder, name) for name in FILES if (folder / name).exists()), None)
    if file is None:
        raise CheckpointError(f"cannot open {folder}: beside {ADAPTER} there is none of {', '.join(FILES)}")
    tensors = {str(name): tensor for name, tensor in file_contents(file).items() if isinstance(tensor, Tensor)}
    names = {name.removeprefix(PREFIX).removesuffix(DOWN) for name in tensors if name.endswith(DOWN)}
    pairs = {name: (f"{PREFIX}{name}{DOWN}", f"{PREFIX}{name}{UP}") for name in names}
    if other := sorted(tensors.keys() ^ {name for pair in pairs.values() for name in pair}):
        raise CheckpointError(f"cannot open {folder}: {other[0]!r} is no part of a pair of LoRA")
    return {name: (tensors[down], tensors[up]) for name, (down, up) in pairs.items()}


def refuse_other_kinds(folder: Path, config: Fields) -> None:
    """Raise CheckpointError for an adapter that is more than low-rank updates."""
    for name, values in PLAIN.items():
        if config.get(name) not in values:
            raise CheckpointError(
                f"cannot open {folder}: its adapter has {name}={config.get(name)!r:.60}; only plain LoRA is merged "
                "here: PeftModel.from_pretrained(base, folder).merge_and_unload(), then headscope.save"
            )


def scale_of(folder: Path, config: Fields) -> float:
    """α/r, or α/√r of rank-stabilised LoRA."""
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float):
        raise CheckpointError(f"cannot open {folder}: {ADAPTER} has r={rank!r} and lora_alpha={alpha!r}")
    return float(alpha) / (rank**0.5 if config.get("use_rslora") else rank)


def module_named(folder: Path, model: PreTrainedModel, name: str) -> Any:
    """A map of the base with a weight."""
    modules = dict(model.named_modules())
    if not isinstance(getattr(modules.get(name), "weight", None), Tensor):
        raise CheckpointError(f"cannot open {folder}: its base has no {name!r}, so it is the adapter of another model")
    return modules[name]
