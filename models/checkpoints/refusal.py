"""The one error of model folders."""


class CheckpointError(ValueError):
    """A model folder that cannot be opened or written: what was asked, what is there, and what to do."""
