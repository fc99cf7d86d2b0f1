"""Drawing: a part of a page that draws itself, as an element, its style, and a function of one script module.

The function gets { data, parentElement, setStateValue }: bytes or plain values to draw, the root that holds element and
style, and where choices of the reader go, by name. It returns what ends the drawing, if anything must.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from headscope.app.drawings.source import drawing_text


@dataclass(frozen=True)
class Drawing:
    """function: the name of what draws, in the last of the scripts; those before it hold what it calls."""

    function: str
    html: str
    css: str
    scripts: tuple[str, ...]

    @property
    def module(self) -> str:
        """A module of this drawing alone, which it exports."""
        return f"{drawing_text(*self.scripts)}\nexport default {self.function};\n"


def shared_scripts(drawings: Sequence[Drawing]) -> str:
    """The scripts of several drawings in one module, each once; nothing is exported."""
    return drawing_text(*dict.fromkeys(name for drawing in drawings for name in drawing.scripts))


HEAD_GRID = Drawing(
    "headGrid",
    '<div class="grid" role="grid" aria-label="Heads of all layers"></div>',
    drawing_text("head_grid.css", "edit_menu.css"),
    ("payload.js", "signed_colours.js", "token_text.js", "edit_menu.js", "head_grid.js"),
)
HEAD_VIEW = Drawing(
    "headView",
    drawing_text("head_view.html"),
    drawing_text("head_view.css", "edit_menu.css"),
    (
        "payload.js",
        "signed_colours.js",
        "token_text.js",
        "patch_view.js",
        "heatmap.js",
        "heatmap_window.js",
        "token_view.js",
        "pattern_tile.js",
        "head_lines.js",
        "edit_menu.js",
        "head_view.js",
    ),
)
EDGES = Drawing(
    "edgeView",
    drawing_text("edges.html"),
    drawing_text("edges.css"),
    (
        "signed_colours.js",
        "token_text.js",
        "roving.js",
        "downloads.js",
        "edge_drawing.js",
        "edge_files.js",
        "edges.js",
    ),
)
