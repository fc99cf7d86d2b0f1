"""Picture buttons: the chart of a container saved as PNG or SVG, in the browser."""

from streamlit.components.v2 import component

from app.components.source import source

_mount = component(
    "headscope_picture_buttons",
    html='<div class="pictures"><button data-format="png">PNG</button><button data-format="svg">SVG</button></div>',
    css=source("picture_buttons.css"),
    js=source("picture_buttons.js"),
)


def picture_buttons(container: str, name: str) -> None:
    """Draw the two buttons for the chart inside the container with that key; name: of the file."""
    _mount(key=f"pictures_{container}", data={"container": container, "name": name})
