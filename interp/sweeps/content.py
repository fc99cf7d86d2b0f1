"""Content: the sha256 and the size of what a model is read from, each file read once while it stays as it is."""

import json
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path

from headscope.models.io.plain_values import read_plain
from headscope.models.io.whole_file import write_whole


class ContentIndex:
    """Digests of files by path, size and time of change, kept in a file of their own."""

    def __init__(self, file: Path) -> None:
        """file: where they are kept; it may not be there yet."""
        self.file = file
        plain = read_plain(file) if file.is_file() else {}
        self.known = {str(name): str(digest) for name, digest in plain.items()} if isinstance(plain, dict) else {}

    def digest_of(self, place: Path) -> tuple[str, int]:
        """The digest and the bytes of a model's folder, snapshots below it left out, or of a file."""
        files = files_of(place)
        parts = [(path.name, self.digest_of_file(path)) for path in files]
        return sha256(json.dumps(parts).encode()).hexdigest(), sum(path.stat().st_size for path in files)

    def digest_of_file(self, path: Path) -> str:
        """The digest of one file, read only where it has changed."""
        state = path.stat()
        name = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
        if name not in self.known:
            with path.open("rb") as content:
                self.known[name] = file_digest(content, "sha256").hexdigest()
        return self.known[name]

    def save(self) -> None:
        """Write what is known."""
        write_whole(self.file, json.dumps(self.known))


def files_of(place: Path) -> Sequence[Path]:
    """The files of a model, by name."""
    return [place] if place.is_file() else sorted(path for path in place.iterdir() if path.is_file())
