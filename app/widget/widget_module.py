"""Widget module: the drawings and what stands around them in a cell as one module of JavaScript, without a network."""

import json
from pathlib import Path

from headscope.app.drawings.drawing import EDGES, HEAD_GRID, HEAD_VIEW, shared_scripts
from headscope.app.drawings.edit_kinds import EDIT_KINDS
from headscope.app.drawings.source import drawing_text, text_of

HERE = Path(__file__).parent
PARTS = {"grid": HEAD_GRID, "view": HEAD_VIEW, "edges": EDGES}


def widget_text(*names: str) -> str:
    """The text of files of this folder, one after another."""
    return text_of(HERE, names)


def widget_scripts() -> str:
    """Everything but the export, safe within a page."""
    parts = {name: {"html": drawing.html, "css": drawing.css} for name, drawing in PARTS.items()}
    own = {"html": widget_text("widget.html"), "css": widget_text("widget.css")}
    constants = {"PARTS": parts, "WIDGET": own, "EDIT_KINDS": EDIT_KINDS}
    lines = [f"const {name} = {json.dumps(value)};" for name, value in constants.items()]
    draw = ", ".join(f"{name}: {drawing.function}" for name, drawing in PARTS.items())
    lines.append(f"const DRAWINGS = {{ {draw} }};")
    scripts = [shared_scripts(list(PARTS.values())), drawing_text("head_questions.js")]
    return "\n".join([*scripts, *lines, widget_text("theme.js", "edit_bar.js", "widget.js")])


WIDGET_MODULE = f"{widget_scripts()}\nexport default {{ render }};\n"
