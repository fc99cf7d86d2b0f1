"""CircuitsVis: the same head in the field's own viewer, from the bundle of the installed package, without a network.

The bundle travels once as the script of one component; the heads travel as data of another, never inside a script.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.app.drawings.source import drawing_text
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun

MOST_TOKENS = 64


@cache
def _bundle() -> Callable[..., object]:
    """The component that brings CircuitsVis into the page; 1.3 MB, read when somebody asks for it."""
    library = files("circuitsvis").joinpath("dist", "cdn", "iife.js").read_text(encoding="utf-8")
    return component("headscope_circuitsvis_bundle", js=f"{library}\n{source_text('circuitsvis_bundle.js')}")


_mount = component(
    "headscope_circuitsvis",
    html='<div class="headscope-circuitsvis"><div></div></div>',
    css=source_text("circuitsvis.css"),
    js=drawing_text("token_text.js") + source_text("circuitsvis.js"),
    isolate_styles=False,
)


def circuitsvis(run: AttentionRun, head: OpenHead) -> None:
    """Draw the last tokens of a head in CircuitsVis (it makes an element per cell, so no more than 64 tokens)."""
    count = len(run.tokens)
    pattern = run.weights(head.layer, head.head, slice(max(0, count - MOST_TOKENS), count))[:, -MOST_TOKENS:]
    peak = float(pattern.abs().max()) or 1.0
    _bundle()(key="circuitsvis_bundle")
    props = {
        "attention": [[round(a, 4) for a in row] for row in pattern.tolist()],
        "tokens": run.tokens.strings[-MOST_TOKENS:],
        "minValue": -peak,
        "maxValue": peak,
        "negativeColor": "#c0272d",
        "positiveColor": "#1f66ad",
        "showAxisLabels": True,
        "maskUpperTri": True,
    }
    _mount(key="circuitsvis", data={"props": props, "name": f"{head.layer}.{head.head}"})
