"""Foreign input: whatever its parser raises becomes one sentence that names the file; the log has the rest."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

LONGEST = 300
PANIC = "PanicException"  # what pyo3 makes of a panic in Rust; its class cannot be imported, and is no Exception
log = logging.getLogger(__name__)


class ForeignInputError(ValueError):
    """A file or text that came from elsewhere and cannot be used, in one sentence that names it."""


@contextmanager
def foreign_input(
    sentence: str, refusal: type[ForeignInputError] = ForeignInputError, *, advice: str = "", quotes: bool = True
) -> Iterator[None]:
    """Raise `refusal` with the sentence for all that is raised inside, panics included; refusals pass as they are.

    advice: what to do, at the end of the sentence. quotes: whether it says what the parser said. Ctrl+C and what stops
    a page are not caught.
    """
    try:
        yield
    except ForeignInputError:
        raise
    except BaseException as error:
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        log.info("%s", sentence, exc_info=True)
        reason, what_to_do = f" ({error_in_short(error)})" if quotes else "", f"; {advice}" if advice else ""
        raise refusal(f"{sentence}{reason}{what_to_do}") from error


def foreign_tokenizer(tokenizer: object, fault: str) -> AbstractContextManager[None]:
    """foreign_input around calls of a tokenizer, which comes with a model and may fail on any text."""
    return foreign_input(f"the tokenizer of {getattr(tokenizer, 'name_or_path', '') or 'this model'} {fault}")


def is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust gave up; an `except Exception` would let that through."""
    return any(kind.__name__ == PANIC for kind in type(error).__mro__)


def error_in_short(error: BaseException) -> str:
    """What another library's error says, on one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST else words[:LONGEST] + "…"


def expanded_path(path: str | Path) -> Path:
    """The path with ~ and ~name as the home folders that they stand for; refused where there is no such user."""
    with foreign_input(f"cannot open {str(path)!r}: it begins with the home of nobody here", quotes=False):
        return Path(path).expanduser()
