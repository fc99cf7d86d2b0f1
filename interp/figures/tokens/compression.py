"""The figure of a compression valley: entropies by depth, or the shares of one token and of one direction."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.tokens.compression import Compression
from headscope.interp.figures.drawing.axes import name_axis
from headscope.interp.figures.drawing.canvas import canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.palette.colours import BLUE, DASHED, GREY, LINES
from headscope.interp.figures.palette.properties import Properties

BOUND = {"color": LINES[1], "dash": "dot"}


def compression_figure(result: Compression) -> go.Figure:
    """Two views: the entropy with and without the first token, and what share of all lengths the first token has."""
    first = result.about.words.first
    length = f"<br>‖x₀‖ {{}}, other {result.about.words.tokens} {{}}"
    norms = [
        length.format(f"{a:.4g}", f"{b:.4g}") for a, b in zip(result.first_norm, result.first_norm_null, strict=True)
    ]
    entropies = [
        depth_line(result.entropy, "entropy", norms, line={"color": BLUE}),
        depth_line(result.others_entropy, f"without the {first}", norms, line={"color": LINES[0]}),
        depth_line(result.bound, f"bound by the {first}", norms, line=BOUND),
        depth_line(result.entropy_null, "null", norms, line=DASHED, error_y=spread_bars(result.entropy_null_spread)),
    ]
    shares = [
        depth_line(result.first_share, f"‖x₀‖² of the {first}", norms, line={"color": BLUE}),
        depth_line(result.top_share, "largest direction", norms, line={"color": LINES[0]}),
        depth_line(result.along_first, f"along the {first}", norms, line=BOUND),
        depth_line(result.first_share_null, "null", norms, line=DASHED),
    ]
    traces = [*entropies, *(item.update(visible=False) for item in shares)]
    axes: Properties = {"xaxis": name_axis(result.labels["depth"]), "yaxis": {"range": [-0.02, 1.05]}}
    return canvas(result.about, traces, **axes, **menu_layout(("entropy", "share of ‖X‖²"), per_view=4))


def depth_line(values: Float[Tensor, "depth"], name: str, words: list[str], **style: object) -> go.Scatter:
    """One line over depths, with words of each depth in what is pointed at."""
    hover = f"%{{x}}<br>{name} %{{y:.4f}}%{{text}}<extra></extra>"
    x, y = np.arange(len(values)), values.numpy()
    return go.Scatter(x=x, y=y, name=name, mode="lines", text=words, hovertemplate=hover, **style)


def spread_bars(spread: Float[Tensor, "depth"]) -> Properties:
    """Bars of a null's spread."""
    return {"type": "data", "array": spread.numpy(), "color": GREY}
