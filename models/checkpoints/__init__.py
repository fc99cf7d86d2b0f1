"""Model folders: opened strictly, saved whole, the same bit for bit. No code of a folder runs."""

from models.checkpoints.loading import load
from models.checkpoints.opening import OpenedModel, open_folder
from models.checkpoints.refusal import CheckpointError
from models.checkpoints.saving import save

__all__ = ["CheckpointError", "OpenedModel", "load", "open_folder", "save"]
