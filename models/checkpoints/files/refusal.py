"""The one error of model folders."""

from headscope.models.io.foreign_input import ForeignInputError, in_short

__all__ = ["CheckpointError", "in_short"]


class CheckpointError(ForeignInputError):
    """A model folder that cannot be opened or written: what was asked, what is there, and what to do."""
