"""Adapters: what computes beside a weight (LoRA, a weight norm) and is to be merged where the weight alone is read."""

from collections.abc import Iterable

from torch import nn
from transformers.pytorch_utils import Conv1D

OF_PEFT = "PeftModel.from_pretrained(base, adapter_folder).merge_and_unload()"
OF_TORCH = "torch.nn.utils.parametrize.remove_parametrizations(module, name)"
MERGED_BY = {".lora_": OF_PEFT, ".base_layer.": OF_PEFT, ".parametrizations.": OF_TORCH}


def adapter_words(names: Iterable[str]) -> str:
    """Which of the tensors belongs to an adapter and how to merge it, as the end of a sentence, or nothing."""
    for name in sorted(names):
        for part, merged_by in MERGED_BY.items():
            if part in name:
                adapter = f"it carries an adapter ({name!r}), and a folder holds whole weights"
                return f"{adapter}; merge it first: {merged_by}"
    return ""


def refuse_fused_adapters(model: nn.Module, fused: Iterable[str | None]) -> None:
    """Raise ValueError where a fused projection of one of these names is more than its weight and bias."""
    last_names = set(fused)
    for name, module in model.named_modules():
        if name.rpartition(".")[2] in last_names and not is_matrix(module):
            raise ValueError(
                f"hooked splits {name} by its weight, and what a {type(module).__name__} computes is more than that; "
                f"merge the adapter first: {adapter_merge(module)}"
            )


def adapter_merge(module: nn.Module) -> str:
    """How what is on a module is merged."""
    return OF_TORCH if hasattr(module, "parametrizations") else OF_PEFT


def is_matrix(module: nn.Module) -> bool:
    """Whether a module is a plain Linear or Conv1D with a weight of its own, which no hook computes anew."""
    return type(module) in (nn.Linear, Conv1D) and "weight" in module._parameters
