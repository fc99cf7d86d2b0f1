"""What a click in the app costs: a real browser beside a server, prompts of 1,024 and 8,192 tokens, many sessions.

    python benchmarks/app_speed.py [--sessions 20] [--clicks 6] [--lengths 1024 8192]

A model of 48 heads: bytes that come over the wire and CPU seconds of the server for a click on a head and for an arrow
key from head to head, the medians; seconds of CPU until the prompt is there; the server's memory. Then its memory after
each of many sessions, one after another. What is past its bar is marked, and the exit code is then 1.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

os.environ.update(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS="1")  # the server's too

from measuring import against, print_tables
from playwright.sync_api import Browser, sync_playwright
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from app_server import app_server
from tiny_models import long_folder

LINE = "x = " + "a + " * 125 + "b"
PAGES = ("", "heads", "deletion", "collapse", "geometry", "compare")
CONTEXT, LAYERS, HEADS = 8192, 8, 6
MEGABYTES = 0.4
CLICK_SECONDS, ARROW_SECONDS = {1024: 0.3, 8192: 1.0}, {1024: 0.15}


@dataclass
class Server:
    """The Streamlit server of this benchmark: its address, its process, and what came over the wire from it."""

    url: str
    home: Path
    received: list[int] = field(default_factory=list[int])

    @property
    def process(self) -> Path:
        """Its folder of /proc."""
        for place in Path("/proc").glob("[0-9]*"):
            if is_server(place, self.home):
                return place
        raise ProcessLookupError(f"no server runs in {self.home}")

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds so far."""
        fields = (self.process / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def mib(self) -> float:
        """Resident memory."""
        [line] = [line for line in (self.process / "status").read_text().splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def cost(self, act: Callable[[], None]) -> tuple[float, float]:
        """Megabytes and CPU seconds of what is done."""
        megabytes, seconds = sum(self.received), self.cpu_seconds
        act()
        return (sum(self.received) - megabytes) / 1e6, self.cpu_seconds - seconds


def is_server(place: Path, home: Path) -> bool:
    """Whether a folder of /proc is the server that runs in a home."""
    try:
        return (place / "cwd").resolve() == home.resolve() and b"streamlit" in (place / "cmdline").read_bytes()
    except OSError:  # it ended while it was looked at, or is another user's
        return False


def settled(page: Any) -> None:
    page.wait_for_timeout(400)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=300_000)


def listening_page(browser: Browser, server: Server) -> Any:
    """A page whose frames from the server are counted."""
    page = browser.new_page()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: server.received.append(len(frame))))
    return page


def row_of_length(browser: Browser, server: Server, folder: Path, length: int, clicks: int) -> list[str]:
    """One row of the table."""
    page = listening_page(browser, server)
    ids = " ".join(str(3 + at * at % 290) for at in range(length))
    address = {"model": "a folder", "folder": str(folder), "prompt": ids if length <= 1024 else "3 4 5", "head": "0"}
    _, seconds = server.cost(lambda: open_prompt(page, f"{server.url}/?{urlencode({**address, 'layer': 0})}", ids))
    by_click = [server.cost(lambda at=at: open_head(page, at, by_key=False)) for at in range(1, clicks + 1)]
    page.focus(".grid button[aria-selected=true]")
    by_key = [server.cost(lambda at=at: open_head(page, at, by_key=True)) for at in range(clicks + 1, 2 * clicks + 1)]
    megabytes, click = (statistics.median(values) for values in zip(*by_click, strict=True))
    arrow = statistics.median(seconds for _, seconds in by_key)
    page.close()
    return [
        f"{length:,}",
        against(megabytes, MEGABYTES),
        against(click, CLICK_SECONDS.get(length)),
        against(arrow, ARROW_SECONDS.get(length)),
        f"{seconds:.1f}",
        f"{server.mib:.0f}",
    ]


def open_prompt(page: Any, address: str, prompt: str) -> None:
    """Open the app on a model and wait until a prompt is there; one that no address holds is pasted."""
    page.goto(address)
    page.wait_for_selector(".head[data-drawn]", timeout=120_000)
    settled(page)
    box = page.get_by_label("Text", exact=True)
    if box.input_value() != prompt:
        box.fill(prompt)
        box.press("Control+Enter")
        page.wait_for_function(
            "count => [...document.querySelectorAll('*')].some("
            "each => each.shadowRoot?.querySelectorAll('.tokens button').length === count)",
            arg=len(prompt.split()),
            timeout=600_000,
        )
    settled(page)


def open_head(page: Any, place: int, *, by_key: bool) -> None:
    """Open a head and wait for its picture and its row."""
    if by_key:
        page.keyboard.press("ArrowRight")
    else:
        page.click(f".grid button[data-head='{place}']")
    layer, head = divmod(place, HEADS)
    page.wait_for_selector(f".head[data-drawn='layer {layer}, head {head}']:not([data-waiting])", timeout=120_000)
    settled(page)


def memory_over_sessions(browser: Browser, server: Server, sessions: int) -> Table:
    """MiB after each session; each has a prompt of its own and walks through two pages."""
    table = Table(title="the server's memory after sessions, MiB", show_header=False)
    sizes = []
    for turn in range(sessions):
        page = browser.new_page()
        for name in (PAGES[turn % len(PAGES)], PAGES[(turn + 1) % len(PAGES)]):
            page.goto(f"{server.url}/{name}?{urlencode({'model': 'cog', 'prompt': f'value_{turn} = {LINE}'[:400]})}")
            settled(page)
        page.close()
        sizes.append(f"{server.mib:.0f}")
    table.add_row(" ".join(sizes))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=6)
    parser.add_argument("--lengths", type=int, nargs="+", default=[1024, 8192])
    asked = parser.parse_args()
    columns = ("tokens", "click, MB", "click, CPU s", "arrow key, CPU s", "opening, CPU s", "server, MiB")
    table = Table(*columns, title=f"{LAYERS * HEADS} heads")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        home, folder = Path(place) / "home", long_folder(Path(place) / "model", CONTEXT, with_tokenizer=False)
        home.mkdir()
        with app_server(home) as url:
            server = Server(url, home)
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for length in asked.lengths:
                table.add_row(*row_of_length(browser, server, folder, length, asked.clicks))
            memory = memory_over_sessions(browser, server, asked.sessions)
            browser.close()
    sys.exit(print_tables([table, memory]))


if __name__ == "__main__":
    main()
