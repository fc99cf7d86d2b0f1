"""Figures of images: a mosaic of them, ink dark on paper."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from interp.diffusion.image_grid import ImageGrid
from interp.figures.canvas import canvas, escaped

GREYS = [[0, "#ffffff"], [1, "#1c2030"]]
ACROSS = 10  # images side by side
GAP = 1  # cells between two images
TALL = 66  # pixels of a row of images
PLAIN = {"showticklabels": False, "showgrid": False, "zeroline": False, "showline": False}


def image_grid_figure(found: ImageGrid) -> go.Figure:
    """Rows of ten images, the first at the top left; the hover says each one's name."""
    images, names = found.value.numpy(), [escaped(name) for name in found.labels["image"]]
    cells, of_image = mosaic(images)
    text = np.array([*names, ""], dtype=object)[of_image]
    trace = go.Heatmap(
        z=cells, text=text, zmin=-1, zmax=1, colorscale=GREYS, showscale=False, hoverongaps=False,
        hovertemplate="%{text}<br>grey %{z:.2f}<extra></extra>",
    )  # fmt: skip
    rows = -(-len(images) // ACROSS)
    axes = {"xaxis": PLAIN, "yaxis": {**PLAIN, "autorange": "reversed", "scaleanchor": "x"}}
    figure = canvas(found.about, [trace], tall=TALL * rows, **axes)
    return figure.update_layout(plot_bgcolor="rgba(0,0,0,0)").update_xaxes(PLAIN).update_yaxes(PLAIN)


def mosaic(
    images: Float[np.ndarray, "image row column"],
) -> tuple[Float[np.ndarray, "down across"], np.ndarray]:
    """Images in rows of ACROSS with gaps of no number between them, and the number of each cell's image, -1 for none."""
    count, tall, wide = images.shape
    rows, columns = -(-count // ACROSS), min(count, ACROSS)
    cells = np.full((rows * (tall + GAP) - GAP, columns * (wide + GAP) - GAP), np.nan, dtype=np.float32)
    owner = np.full(cells.shape, -1)
    for number, image in enumerate(images):
        down, across = (at * (side + GAP) for at, side in zip(divmod(number, ACROSS), (tall, wide), strict=True))
        cells[down : down + tall, across : across + wide] = image
        owner[down : down + tall, across : across + wide] = number
    return cells, owner
