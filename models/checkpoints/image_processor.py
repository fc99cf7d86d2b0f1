"""The image processor of a model folder: preprocessor_config.json, by transformers' own classes; none is fine."""

from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from headscope.models.checkpoints.files.entries import read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.data.images.picture import MODES
from headscope.models.data.images.processed import grey_picture, processed_picture
from headscope.models.hosts.families import modality_of
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input

PROCESSOR = "preprocessor_config.json"
MOST_SIDE = 8192


def give_processor(model: PreTrainedModel, folder: Path) -> None:
    """Hang the folder's image processor on a model that reads pictures, as `picture_processor`."""
    if modality_of(model).reads_pictures and (folder / PROCESSOR).exists():
        model.picture_processor = folder_processor(model.config, folder)  # type: ignore[assignment]


def folder_processor(config: PreTrainedConfig, folder: Path) -> BaseImageProcessor:
    """The processor, refused where it asks for code or makes pictures that the model does not read."""
    fields, file = read_object(folder, PROCESSOR), folder / PROCESSOR
    if fields.get("auto_map"):
        raise CheckpointError(f"cannot open {file}: 'auto_map' asks for the folder's own code, which is never run here")
    if large := [side for side in side_lengths(fields) if side > MOST_SIDE]:
        raise CheckpointError(f"cannot open {file}: a side of {large[0]} pixels; at most {MOST_SIDE} are made")
    from transformers import AutoImageProcessor  # a second of import, for vision transformers alone

    with foreign_input(f"cannot open {file}: transformers refuses it", CheckpointError):
        processor = AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
        if config.num_channels in MODES:
            processed_picture(grey_picture(config), config, processor)
    return processor


def side_lengths(fields: Fields) -> list[int | float]:
    """All lengths that the settings name."""
    sizes = (fields.get(name) for name in ("size", "crop_size", "pad_size"))
    listed = [list(size.values()) if isinstance(size, dict) else [size] for size in sizes]
    return [side for some in listed for side in some if isinstance(side, int | float)]
