"""The hub's cache: `models--owner--name/snapshots/<revision>`, whose files are links into `blobs/` beside it."""

import re
from pathlib import Path

from headscope.models.checkpoints.files.refusal import CheckpointError

REPOSITORY = "models--"
REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def hub_snapshot_folder(folder: Path) -> Path:
    """The snapshot of refs/main, or the only one, where `folder` is a repository of the cache; else `folder`."""
    revisions = folder / "snapshots"
    if not folder.name.startswith(REPOSITORY) or not revisions.is_dir():
        return folder
    present = sorted(entry.name for entry in revisions.iterdir() if entry.is_dir())
    main = main_revision(folder) or (present[0] if len(present) == 1 else None)
    if main not in present:
        raise CheckpointError(
            f"cannot open {folder}: refs/main names {'no snapshot' if main is None else repr(main)}; "
            f"in snapshots/ there are: {', '.join(present) or 'none'}"
        )
    return revisions / main


def main_revision(repository: Path) -> str | None:
    """The plain name in refs/main, where there is one."""
    main = repository / "refs" / "main"
    text = main.read_text(encoding="utf-8", errors="replace").strip() if main.is_file() else ""
    return text if REVISION.fullmatch(text) else None


def link_boundary(folder: Path) -> Path:
    """Where links of `folder` may lead: into itself, or into the repository of the cache that it is a snapshot of."""
    place = folder.resolve()
    is_snapshot = place.parent.name == "snapshots" and place.parent.parent.name.startswith(REPOSITORY)
    return place.parent.parent if is_snapshot else place


def short_name(folder: Path) -> str:
    """What a model in `folder` is called: its repository on the hub, else the folder."""
    place = folder.resolve()
    return link_boundary(place).name.removeprefix(REPOSITORY).replace("--", "/")
