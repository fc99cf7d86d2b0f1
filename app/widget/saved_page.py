"""Saved page: a widget as one file of HTML, with all that its heads show in it; nothing is asked of anybody."""

import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape

from headscope.app.drawings.head_tile import MOST_EXACT
from headscope.app.widget.widget_module import widget_scripts, widget_text
from headscope.models.io.fields import Fields


def saved_page(shown: Fields, grid: bytes, views: Mapping[str, bytes], titles: Mapping[str, str], count: int) -> str:
    """shown: the widget's traits. views, titles: of every head by "layer,head". ValueError for too many tokens."""
    if count > MOST_EXACT:
        raise ValueError(f"a page holds every weight of at most {MOST_EXACT} tokens, and there are {count}: show fewer")
    saved = {"shown": shown, "grid": in_text(grid), "titles": titles}
    saved["views"] = {head: in_text(view) for head, view in views.items()}
    scripts = f"{widget_scripts()}\n{widget_text('saved_model.js')}".replace("</", "<\\/")
    data = json.dumps(saved).replace("</", "<\\/")
    return widget_text("saved_page.html").replace("/* data */", data).replace("/* scripts */", scripts)


def with_words(page: str, words: str) -> str:
    """The page with the words of where it comes from, as its title and below all."""
    return page.replace("<!-- words -->", escape(words))


def in_text(part: bytes) -> str:
    """Bytes as text that a script can hold."""
    return b64encode(part).decode()
