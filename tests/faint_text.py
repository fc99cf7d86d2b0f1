"""Faint text: what of a page in a browser is too pale to be read well, with the contrast that each text has."""

import time
from pathlib import Path
from typing import Any

LEAST = 4.5  # of WCAG 2.2, for text of any size
PATIENCE = 20  # seconds until a page that turned dark or light has drawn its figures anew
SCRIPT = (Path(__file__).parent / "faint_text.js").read_text(encoding="utf-8")


def faint_text(page: Any) -> list[str]:
    """Where it stands, what it says and its colours, one a place; disabled controls and text on pictures aside."""
    end = time.monotonic() + PATIENCE
    while (seen := page.evaluate(SCRIPT, LEAST))["faint"] and time.monotonic() < end:
        page.wait_for_timeout(300)
    assert seen["count"] > 20, "a page without words was weighed"
    return seen["faint"]
