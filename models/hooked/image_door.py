"""What an image model cannot read is refused by name, before it becomes an error of some convolution."""

from torch import Tensor
from transformers import PreTrainedModel

from headscope.models.seam.call_arguments import Keywords, Places
from headscope.models.seam.input_sizes import two_sides


def guard_images(model: PreTrainedModel) -> None:
    """From now on the model raises ValueError for what is no batch of images of its size and channels."""
    model.register_forward_pre_hook(refuse_other_images, with_kwargs=True)


def refuse_other_images(model: PreTrainedModel, inputs: Places, kwargs: Keywords) -> None:
    images = inputs[0] if inputs else kwargs.get("pixel_values")
    wanted = (model.config.num_channels, *two_sides(model.config.image_size))
    if isinstance(images, Tensor) and images.is_floating_point() and images.ndim == 4 and len(images):
        resized = kwargs.get("interpolate_pos_encoding") and images.shape[1] == wanted[0]
        if resized or tuple(images.shape[1:]) == wanted:
            return
    got = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
    raise ValueError(
        f"this model reads images, floating point [image, channel, row, column] of {' × '.join(map(str, wanted))}; "
        f"got {got}"
    )
