"""What is in the SVG of a figure: its words, the cells of its heatmaps, and how many things matplotlib drew."""

import base64
import io
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.text import Annotation
from mpl_toolkits.mplot3d.art3d import Path3DCollection
from PIL import Image

from headscope.interp.figures.static.arrays import with_arrays
from headscope.interp.figures.static.page import page_of
from headscope.interp.figures.static.panel import axis_values
from headscope.interp.figures.static.points import trace_mode
from headscope.interp.figures.static.svg import shown_traces

BAR_OF_COLOURS = (128, 1)  # rows and columns of the picture that a colour bar is


def elements(svg: str, name: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(svg).iter() if one.tag.rpartition("}")[2] == name]


def words_in(svg: str) -> list[str]:
    """The text elements, in order."""
    return ["".join(one.itertext()) for one in elements(svg, "text")]


def cells_in(svg: str) -> list[np.ndarray]:
    """The pictures of heatmaps and images as [row, column, rgba], as they are seen; colour bars are left out."""
    found = [picture_of(one) for one in elements(svg, "image")]
    return [one for one in found if one.shape[:2] != BAR_OF_COLOURS]


def picture_of(image: ElementTree.Element) -> np.ndarray:
    """An image element, turned as its transform turns it."""
    [data] = [value for name, value in image.attrib.items() if name.endswith("href")]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGBA"))
    turn = image.get("transform", "")
    return pixels[::-1] if upside_down(turn) else pixels


def upside_down(transform: str) -> bool:
    """Whether the vertical scale of an element is negative."""
    numbers = transform[transform.index("(") + 1 :].split(")")[0].replace(",", " ").split() if "(" in transform else []
    return bool(numbers) and float(numbers[3 if transform.startswith("matrix") else -1]) < 0


def drawn_and_asked(figure: Any) -> tuple[Counter[str], Counter[str]]:
    """How many cells, bars and points are drawn, and how many the shown traces have."""
    plain = with_arrays(figure.to_plotly_json())
    traces = shown_traces(plain["data"], plain["layout"])
    return drawn(page_of(traces, plain["layout"])), asked(traces)


def drawn(page: Any) -> Counter[str]:
    """What matplotlib has on its page. Lines of zero, frames and bars of errors are not in coordinates of the data."""
    counts: Counter[str] = Counter()
    for axes in page.axes:
        counts["cells"] += sum(int(np.prod(one.get_size())) for one in axes.images if one.get_size() != BAR_OF_COLOURS)
        counts["bars"] += sum(len(one) for one in axes.containers if type(one).__name__ == "BarContainer")
        lines = [one for one in axes.lines if one.get_transform() is axes.transData and one.get_label()[:6] == "_child"]
        counts["points"] += sum(len(one.get_xdata()) for one in lines)
        counts["points"] += sum(one.get_offsets().shape[0] for one in axes.collections if type(one) is Path3DCollection)
        counts["words"] += sum(type(one) is Annotation for one in axes.texts)
        counts["areas"] += sum(type(one) is Polygon for one in axes.patches)
    return counts


def asked(traces: list[Any]) -> Counter[str]:
    """What the traces hold."""
    counts: Counter[str] = Counter()
    for trace in traces:
        count = len(axis_values(trace, "x"))
        if trace["type"] in ("heatmap", "image"):
            counts["cells"] += count * len(axis_values(trace, "y"))
        elif trace["type"] == "bar":
            counts["bars"] += count
        else:
            mode = trace_mode(trace)
            finite = np.isfinite(np.array(trace["y"], dtype=float)) if trace.get("connectgaps") else np.ones(count)
            counts["points"] += int(finite.sum()) * (("lines" in mode) + ("markers" in mode))
            counts["words"] += count * ("text" in mode)
            counts["areas"] += "fill" in trace
    return counts
