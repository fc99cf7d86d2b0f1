"""Kept texts: prompts too long for an address, on this computer under the name of their content."""

from pathlib import Path
from urllib.parse import quote

from headscope.app.serving.kept.files import keep_file, kept_file

KIND = "texts"
MOST_BYTES = 2_000_000
LONGEST_IN_ADDRESS = 30_000  # characters as an address spells them: servers take 65,536 bytes with all that is around


def fits_address(text: str) -> bool:
    """Whether a link can hold the text itself."""
    return len(text) <= LONGEST_IN_ADDRESS and len(quote(text, errors="replace")) <= LONGEST_IN_ADDRESS


def keep_text(text: str, place: Path | None = None) -> str:
    """The name of a text that is kept from now on; the oldest others go."""
    return keep_file(KIND, text.encode(errors="replace"), place)


def kept_text(name: str, place: Path | None = None) -> str | None:
    """The text that a link names, if it is still kept."""
    file = kept_file(KIND, name, place)
    return None if file is None else file.read_bytes().decode()


def text_of_file(name: str, content: bytes | memoryview) -> str:
    """What a text file says. Raises ValueError in one sentence for one that is too large, empty, or no text."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name} has {len(content):,} bytes, and at most {MOST_BYTES:,} are read: send a part of it")
    try:
        text = bytes(content).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ValueError(
            f"{name} is no text in UTF-8: byte {fault.start} is {content[fault.start]:#04x}; save it as UTF-8"
        ) from fault
    if "\0" in text:
        raise ValueError(f"{name} is no text: byte {text.encode().index(0)} of it is zero")
    if not text.strip():
        raise ValueError(f"{name} is empty: send a file with some text in it")
    return text.replace("\r\n", "\n")
