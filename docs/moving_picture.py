"""Moving picture: in Chromium a head is opened, a weight read, the head changed; docs/pages/headscope.webp."""

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from app_server import app_server  # noqa: E402
from browser import FLAGS, settle  # noqa: E402

PLACE = Path(__file__).parent / "pages" / "headscope.webp"
VIEW = {"model": "cog", "prompt": "def mean(values):\n    return sum(values) / len(", "layer": "1", "head": "0"}
SIZE = {"width": 1360, "height": 780}
OPENED = 13  # the thumbnail that is clicked, from 0: layer 3, head 1
WEIGHT = (0.633, 0.57)  # the shares of its map at which a weight is read
POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))
STEPS, STEP = 5, 60  # frames of a way, and milliseconds of each
MOST_BYTES = 1_500_000


@dataclass
class Film:
    """Frames of a page with the pointer in them, and how long each stands, in milliseconds."""

    page: Any
    at: tuple[float, float] = (600.0, 700.0)
    frames: list[Image.Image] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def hold(self, milliseconds: int) -> None:
        """What is on the screen now."""
        frame = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        corners = [(x + self.at[0], y + self.at[1]) for x, y in POINTER]
        ImageDraw.Draw(frame).polygon(corners, fill="black", outline="white")
        self.frames.append(frame)
        self.times.append(milliseconds)

    def go_to(self, x: float, y: float) -> None:
        """Move the mouse there, on a straight way."""
        for x_now, y_now in way(self.at, (x, y)):
            self.page.mouse.move(x_now, y_now)
            self.at = (x_now, y_now)
            self.hold(STEP)

    def go_into(self, element: Any, across: float = 0.5, down: float = 0.5) -> None:
        """Move the mouse into an element, to these shares of its width and height."""
        box = element.bounding_box()
        self.go_to(box["x"] + across * box["width"], box["y"] + down * box["height"])

    def click(self, button: str = "left") -> None:
        """Press where the mouse is."""
        self.page.mouse.click(*self.at, button=button)
        self.page.wait_for_timeout(300)

    def save(self, place: Path) -> None:
        """Write the film. Raises ValueError where it is too large for a page that opens at once."""
        first, *others = self.frames
        first.save(place, save_all=True, append_images=others, duration=self.times, loop=0, quality=60, method=6)
        if (size := place.stat().st_size) > MOST_BYTES:
            raise ValueError(f"{place.name} has {size:,} bytes, and at most {MOST_BYTES:,} are a picture of a README")


def way(start: tuple[float, float], end: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """The steps from one place to another, slower at both ends."""
    for step in range(1, STEPS + 1):
        share = step / STEPS
        eased = share * share * (3 - 2 * share)
        yield start[0] + eased * (end[0] - start[0]), start[1] + eased * (end[1] - start[1])


def play(film: Film) -> None:
    """Open a head, read a weight, keep the head's positive weights alone: the changed map beside the untouched one."""
    page = film.page
    film.hold(1500)
    film.go_into(page.locator(f".grid button[data-head='{OPENED}']"))
    film.click()
    page.wait_for_selector(".head[data-drawn='layer 3, head 1']")
    settle(page)
    film.hold(1200)
    film.go_into(page.locator(".marks").first, *WEIGHT)
    page.wait_for_timeout(300)
    film.hold(2000)
    film.click("right")
    film.hold(900)
    film.go_into(page.get_by_role("menuitemradio", name="L3H1"))
    film.click()
    film.hold(700)
    film.go_into(page.get_by_role("menuitem", name="Keep positive"))
    film.click()
    page.locator(".head[data-drawn]").nth(1).wait_for()
    settle(page)
    page.wait_for_timeout(1000)
    film.hold(3500)


def main() -> None:
    """Write the moving picture."""
    with tempfile.TemporaryDirectory() as home, app_server(Path(home)) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = chromium.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce", locale="en-GB")
        page.set_default_timeout(120_000)
        page.goto(f"{url}/?{urlencode(VIEW)}")
        page.wait_for_selector(".head[data-drawn]")
        settle(page)
        page.wait_for_timeout(1500)
        film = Film(page)
        play(film)
        film.save(PLACE)
        chromium.close()


if __name__ == "__main__":
    main()
