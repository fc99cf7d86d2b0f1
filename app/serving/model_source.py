"""Model sources: the shipped models by name, or a folder; each with a fingerprint that changes when its files do."""

from hashlib import sha256
from pathlib import Path

from headscope.models import zoo
from headscope.models.checkpoints.files.entries import read_object
from headscope.models.checkpoints.files.hub_cache import hub_snapshot_folder
from headscope.models.hosts.families import FAMILIES, Family
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.io.foreign_input import expanded_path


class NothingAskedError(ValueError):
    """The user has yet to say something; no mistake was made."""


def source_folder(name: str, typed: str, from_folder: str) -> Path:
    """The folder of a shipped model, or the typed one when `name` is `from_folder`. ValueError in one sentence."""
    if not name:
        raise ValueError(f"the link names no model that is shipped; choose one: {', '.join(zoo.names())}, or a folder")
    return typed_folder(typed) if name == from_folder else zoo.folder(name)


def typed_folder(text: str) -> Path:
    """A folder of this computer. Network paths are refused before anything touches them."""
    if not text.strip():
        raise NothingAskedError(
            "Name the path of a model folder, or send its files: config.json, model.safetensors, perhaps a tokenizer."
        )
    if text.strip().replace("\\", "/").startswith("//"):
        raise ValueError(f"{text.strip()!r} is a network path; only folders of this computer are opened")
    folder = expanded_path(text.strip())
    if not folder.is_dir():
        raise ValueError(f"there is no folder {text.strip()!r}")
    return hub_snapshot_folder(folder.resolve())


def modality_in(folder: Path) -> Modality:
    """What the model of a folder reads, by the family that its config.json names.

    A folder that cannot be opened reads nothing: opening it says why, and until then it is taken for a text's.
    """
    family = family_in(folder)
    return family.modality if family else TEXT


def family_in(folder: Path) -> Family | None:
    """The family that a folder's config.json names, where it can be read and is known."""
    try:
        return FAMILIES.get(str(read_object(folder, "config.json").get("model_type")))
    except (ValueError, OSError):
        return None


def fingerprint(folder: Path) -> str:
    """A short name for the present state of a folder's files: their names, sizes and times of change."""
    stats = sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir())
    return sha256(repr(stats).encode()).hexdigest()[:16]
