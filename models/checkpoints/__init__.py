"""Model folders: opened strictly, saved whole, the same bit for bit. No code of a folder runs."""

from headscope.models.checkpoints.any_model import open_model
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.opening import OpenedModel, open_folder
from headscope.models.checkpoints.saving import save

__all__ = ["CheckpointError", "OpenedModel", "open_folder", "open_model", "save"]
