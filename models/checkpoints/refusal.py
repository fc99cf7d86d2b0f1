"""The one error of model folders."""

LONGEST = 300


class CheckpointError(ValueError):
    """A model folder that cannot be opened or written: what was asked, what is there, and what to do."""


def in_short(error: BaseException) -> str:
    """What another library's error says, on one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST else words[:LONGEST] + "…"
