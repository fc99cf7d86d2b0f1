"""The one error of model folders."""

from headscope.models.io.foreign_input import ForeignInputError


class CheckpointError(ForeignInputError):
    """A model folder that cannot be opened or written: what was asked, what is there, and what to do."""
