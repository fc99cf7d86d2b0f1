"""Figures of images: a mosaic of them, ink dark on paper."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from headscope.interp.diffusion.image_grid import ImageGrid
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.palette.properties import Properties

ACROSS = 5  # images side by side
GAP = 1  # pixels between two images
TALL = 90  # pixels of the page for a row of images
BETWEEN = (138, 143, 156, 0.25)  # red, green, blue and opacity between images
BARE = {"showticklabels": False, "showgrid": False, "zeroline": False}


def image_grid_figure(result: ImageGrid) -> go.Figure:
    """Rows of five images, the first at the top left; the hover says each one's name."""
    images, names = result.value.numpy(), [escaped(name) for name in result.labels["image"]]
    cells, owner = image_mosaic(images)
    trace = image_trace(cells)
    trace.update(text=np.array([*names, ""], dtype=object)[owner].tolist(), hovertemplate="%{text}<extra></extra>")
    axes: Properties = {
        "xaxis": {**BARE, "constrain": "domain"},
        "yaxis": {**BARE, "autorange": "reversed", "scaleanchor": "x"},
    }
    return canvas(result.about, [trace], tall=TALL * -(-len(images) // ACROSS), **axes)


def image_trace(image: Float[np.ndarray, "row column"]) -> go.Image:
    """Grey pixels, -1 white and 1 black, cut beyond; pixels without a number are pale."""
    blank = np.isnan(image)
    grey = (np.clip(np.where(blank, 0, -image), -1, 1) + 1) * 127.5
    pixels = np.stack([grey, grey, grey, np.ones_like(grey)], -1).round(2)
    return go.Image(
        z=np.where(blank[..., None], BETWEEN, pixels).tolist(),
        colormodel="rgba",
        hovertemplate="row %{y}, column %{x}<extra></extra>",
    )


def image_mosaic(
    images: Float[np.ndarray, "image row column"],
) -> tuple[Float[np.ndarray, "down across"], np.ndarray]:
    """Images in rows of ACROSS with gaps of no number between them, and which image each cell is of, -1 for none."""
    count, tall, wide = images.shape
    rows, columns = -(-count // ACROSS), min(count, ACROSS)
    cells = np.full((rows * (tall + GAP) - GAP, columns * (wide + GAP) - GAP), np.nan, dtype=np.float32)
    owner = np.full(cells.shape, -1)
    for number, image in enumerate(images):
        down, across = (at * (side + GAP) for at, side in zip(divmod(number, ACROSS), (tall, wide), strict=True))
        cells[down : down + tall, across : across + wide] = image
        owner[down : down + tall, across : across + wide] = number
    return cells, owner
