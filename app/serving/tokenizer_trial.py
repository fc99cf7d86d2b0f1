"""Tokenizer trial: a file that came by a link or an upload is read first where an abort ends nothing but its reader."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from headscope.app.serving.model_source import fingerprint
from headscope.models import zoo
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.tokenizer_file import checked_tokenizer_file
from headscope.models.checkpoints.model_place import place_of_model

FILE = "tokenizer.json"
SCRIPT = Path(__file__).with_name("tokenizer_child.py")
MOST_SECONDS = 10
MOST_BYTES = 2 * 2**30  # beside the file itself


def refuse_aborting_tokenizer(folder: Path) -> None:
    """Raise CheckpointError for a tokenizer.json on which the library aborts, hangs or fills the memory.

    What the library refuses in words is left to whoever opens the folder; so is a shipped model.
    """
    place = place_of_model(folder)
    if place.is_relative_to(zoo.HERE) or not (place / FILE).is_file():
        return
    checked_tokenizer_file(place, FILE)
    if fault := fault_of(place, fingerprint(place)):
        raise CheckpointError(f"cannot open the tokenizer of {place}: {fault}; fetch {FILE} again")


@lru_cache(maxsize=64)
def fault_of(folder: Path, fingerprint: str) -> str:
    """What the library does on the file as it is now; nothing where it reads it or says itself what is wrong."""
    file = folder / FILE
    limit = MOST_BYTES + file.stat().st_size
    command = [sys.executable, "-P", str(SCRIPT), str(file), str(limit)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"the tokenizers library takes more than {MOST_SECONDS} s to read it with a line of text"
    return "the tokenizers library aborts on it" if ended.returncode < 0 else ""
