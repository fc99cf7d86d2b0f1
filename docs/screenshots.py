"""Screenshots: the first screen of every page of the app in Chromium, as docs/pages.md shows them."""

import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from app_server import app_server  # noqa: E402
from browser import FLAGS, settle  # noqa: E402

FOLDER = Path(__file__).parent / "pages"
PROMPT = 'def mean(values):\n    """Return the mean of values."""\n    return sum(values) / len('
PAGES = ("", "heads", "deletion", "collapse", "geometry", "compare", "diffusion", "experiments", "analyses")
SIZE = {"width": 1440, "height": 900}


def main() -> None:
    """Write a picture of each page, or of those that are named; Attention has no name in its address."""
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or PAGES
    with tempfile.TemporaryDirectory() as home, app_server(Path(home)) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = chromium.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce", locale="en-GB")
        for name in wanted:
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{url}/{name}?{urlencode({'model': 'cog', 'prompt': PROMPT})}")
            page.wait_for_selector("h1, h2, h3, .head[data-drawn]")
            settle(page)
            page.wait_for_timeout(1500)  # what draws itself after the page stands
            settle(page)
            page.screenshot(path=FOLDER / f"{name or 'attention'}.jpg", type="jpeg", quality=72)
            page.close()
        chromium.close()


if __name__ == "__main__":
    main()
