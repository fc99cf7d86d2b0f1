"""Where the model at a path lies: a folder of Hugging Face's, the newest snapshot of a run, or a file of weights."""

from pathlib import Path

from headscope.models.checkpoints.converters.recognition import recognition
from headscope.models.checkpoints.files.contents import ADAPTER, CONFIG, INTERRUPTED, weight_files
from headscope.models.checkpoints.files.entries import model_folder, read_object
from headscope.models.checkpoints.files.foreign_file import file_magic
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.families import FAMILIES, unlisted_modality
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.zoo import snapshots


def place_of_model(path: Path) -> Path:
    """The folder of Hugging Face's, or the file of weights, that holds the model at a path."""
    if not path.is_dir():
        return path
    folder = model_folder(path)
    if any((folder / name).exists() for name in (CONFIG, INTERRUPTED, ADAPTER)):
        return folder
    if steps := snapshots(folder):
        return place_of_model(steps[max(steps)])
    return file_of_weights(folder) or folder


def file_of_weights(folder: Path) -> Path | None:
    """The file of weights in a folder that is none of Hugging Face's; which of several is for the user to say."""
    files = weight_files(folder)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise CheckpointError(f"cannot open {folder}: it has no {CONFIG}, and {len(files)} files: name one of {names}")
    return files[0] if files else None


def newest_of_run(path: Path, place: Path) -> str:
    """The end of a sentence that says which snapshot of a run was taken, where one was."""
    if not path.is_dir() or place in (path, model_folder(path)) or not (steps := snapshots(path)):
        return ""
    return f"; took {steps[max(steps)].name}, the newest of {len(steps)} snapshots"


def is_asked(path: Path) -> bool:
    """Whether what lies at a path may not say all that must be known: a file of others' code, and an adapter's base."""
    place = place_of_model(path)
    return place.is_file() or (place / ADAPTER).exists()


def modality_of_place(path: Path) -> Modality | None:
    """What the model at a path reads, before it is opened; None for a family that is not known."""
    place = place_of_model(path)
    if place.is_file():
        return TEXT if file_magic(place) == "gguf" else recognition(place, {}).converter.modality
    model_type = str(read_object(place, CONFIG).get("model_type"))
    return FAMILIES[model_type].modality if model_type in FAMILIES else unlisted_modality(model_type)
