"""Properties: how a figure looks in plotly's words. Plotly itself checks what each of them may be."""

from collections.abc import Mapping
from typing import Any

Properties = dict[str, Any]  # to be written: a colour, a number, a list, or properties again, each under its name
Layout = Mapping[str, Any]  # to be read: what is around the traces of a figure
Trace = Mapping[str, Any]  # to be read: what is drawn
