"""Model sources: the shipped models by name, a folder or a file; each with a fingerprint that changes when they do."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from headscope.app.serving.doors.model_roots import refuse_outside
from headscope.models import zoo
from headscope.models.checkpoints.files.hub_cache import hub_snapshot_folder
from headscope.models.checkpoints.model_place import modality_of_place
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.io.hub import place_named


class NothingAskedError(ValueError):
    """The user has yet to say something; no mistake was made."""


def source_folder(name: str, typed: str, from_folder: str) -> Path:
    """The folder of a shipped model, or the typed one when `name` is `from_folder`. ValueError in one sentence."""
    if not name:
        raise ValueError(f"the link names no model that is shipped; choose one: {', '.join(zoo.names())}, or a folder")
    return typed_folder(typed) if name == from_folder else zoo.folder(name)


def typed_folder(text: str) -> Path:
    """A folder or a file of this computer, or what the hub's cache here holds of a model of that name.

    Network paths are refused before anything touches them. Raises NotFetchedError for a name that is not here.
    """
    if not text.strip():
        raise NothingAskedError(
            "Name the path of a model folder or of a file of weights, or send the files of a folder: config.json, "
            "model.safetensors, perhaps a tokenizer."
        )
    if text.strip().replace("\\", "/").startswith("//"):
        raise ValueError(f"{text.strip()!r} is a network path; only folders and files of this computer are opened")
    folder = place_named(text.strip())
    if not folder.exists():
        raise ValueError(f"there is no folder or file {text.strip()!r}")
    refuse_outside(folder)
    return hub_snapshot_folder(folder.resolve())


def modality_in(place: Path) -> Modality:
    """What the model of a folder or file reads, by its content.

    What cannot be opened reads nothing: opening it says why, and until then it is taken for a text's.
    """
    return known_modality(place) or TEXT


def known_modality(place: Path) -> Modality | None:
    """What the model of a folder or file reads, where it can be read and is known."""
    try:
        return modality_now(place, fingerprint(place))
    except (ValueError, OSError):
        return None


@lru_cache(maxsize=64)
def modality_now(place: Path, fingerprint: str) -> Modality | None:
    """The same of the files as they are now: a file of weights is read whole to be recognised."""
    return modality_of_place(place)


def fingerprint(place: Path) -> str:
    """A short name for the present state of a folder's files, or of a file: their names, sizes and times of change."""
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    stats = sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return sha256(repr(stats).encode()).hexdigest()[:16]
