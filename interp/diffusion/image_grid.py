"""Image grid: images side by side, each under its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result


@dataclass(frozen=True, repr=False)
class ImageGrid(Result):
    """Grey images, -1 paper and 1 ink."""

    drawn_by = "vision.images:image_grid_figure"

    value: Float[Tensor, "image row column"]


def image_grid(images: Float[Tensor, "image channel row column"], names: Sequence[str], title: str) -> ImageGrid:
    """The images, their channels averaged. ValueError where images and names are not as many."""
    if len(images) != len(names):
        raise ValueError(f"every image has a name; got {len(images)} images and {len(names)} names")
    about = About(
        title=title,
        unit="grey, -1 paper to 1 ink",
        law="one pixel is one cell",
        source="headscope",
        plain="The images themselves, each under its name.",
    )
    return ImageGrid(images.mean(1), about=about, labels={"image": tuple(names)})
