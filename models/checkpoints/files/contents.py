"""What lies in a place that is no model folder, and what to do with it."""

from pathlib import Path

from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.zoo import snapshots

CONFIG = "config.json"
INTERRUPTED = "config.json.replaced"
ADAPTER = "adapter_config.json"
OF_A_MODEL = (".safetensors", ".bin")
FOREIGN = {
    ".gguf": "a GGUF file; headscope.load({name!r}) opens it, and `headscope convert` makes a folder of it",
    **dict.fromkeys(
        (".pt", ".pth", ".ckpt"),
        "a checkpoint in a layout of the code that wrote it; headscope.load({name!r}) opens it where the layout is "
        "known; else load it with that code, then headscope.save(model, new)",
    ),
}
OF_TRAINING = ("training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scheduler.bin", "rng_state.pth")


def refuse_place(place: Path) -> None:
    """Raise CheckpointError for what is not there or is no folder."""
    if not place.exists():
        raise CheckpointError(f"cannot open {place}: it is not there; give the folder that holds {CONFIG}")
    if not place.is_dir():
        raise CheckpointError(f"cannot open {place}: it is {kind_of_file(place)}")


def kind_of_file(file: Path) -> str:
    """What a file is, and what to do with it."""
    if file.suffix in FOREIGN:
        return FOREIGN[file.suffix].format(name=file.name)
    if (file.parent / CONFIG).exists():
        return f"a file, not a folder; give the folder that holds {CONFIG}: {file.parent}"
    weights = "weights alone, " if file.suffix in OF_A_MODEL else ""
    return f"{weights}a file, not a folder; give the folder that holds {CONFIG}"


def refuse_without_config(folder: Path) -> None:
    """Raise CheckpointError for a folder that describes no model, with what it holds instead."""
    if (folder / CONFIG).exists():
        return
    refuse_adapter(folder)
    if (folder / INTERRUPTED).exists():
        raise CheckpointError(f"cannot open {folder}: a save into it was cut off; save the model again")
    if steps := snapshots(folder):
        names = ", ".join(path.name for path in steps.values())
        raise CheckpointError(
            f"cannot open {folder}: it holds snapshots only; choose one of {names}, as in load(…, step={max(steps)})"
        )
    if not any(folder.iterdir()):
        raise CheckpointError(f"cannot open {folder}: it is empty; give the folder that holds {CONFIG}")
    raise CheckpointError(f"cannot open {folder}: {what_is_there(folder)}")


def what_is_there(folder: Path) -> str:
    """The weights in a folder without a config.json, and what to do with them."""
    weights = weight_files(folder)
    if not weights:
        return f"{CONFIG} is missing, and so are weights; headscope.save and save_pretrained write such a folder"
    first = weights[0]
    if first.suffix in FOREIGN:
        return f"{first.name} is {FOREIGN[first.suffix].format(name=first.name)}"
    return f"{CONFIG} is missing beside {first.name}; copy it from where the weights came from"


def refuse_without_weights(folder: Path) -> None:
    """Raise CheckpointError for a folder with a config.json, whose weights are not where a model's are."""
    refuse_adapter(folder)
    missing = "it holds no model.safetensors and no pytorch_model.bin"
    for first in weight_files(folder)[:1]:
        foreign = FOREIGN.get(first.suffix, f"not called model{first.suffix}; rename it if it is the whole model")
        raise CheckpointError(f"cannot open {folder}: {missing}; {first.name} is {foreign.format(name=first.name)}")
    raise CheckpointError(f"cannot open {folder}: {missing} beside its {CONFIG}; fetch the weights too")


def refuse_adapter(folder: Path, base: object = None) -> None:
    """Raise CheckpointError for the folder of an adapter, which holds what is added to another model."""
    if (folder / ADAPTER).exists():
        named = f" (it names {base!r:.100}, which is no folder here)" if base else ""
        raise CheckpointError(
            f"cannot open {folder}: it holds an adapter ({ADAPTER}), not a whole model; merge it into its base model: "
            "PeftModel.from_pretrained(base, folder).merge_and_unload(), then headscope.save, or give the base's "
            f"folder: load(path, given={{'base': …}}){named}"
        )


def weight_files(folder: Path) -> list[Path]:
    """Files that look like a model's weights, the likeliest first; what a training keeps beside them is none."""
    order = (*OF_A_MODEL, *FOREIGN)
    files = [entry for entry in folder.iterdir() if entry.suffix in order and entry.name not in OF_TRAINING]
    return sorted(files, key=lambda file: (order.index(file.suffix), file.name))
