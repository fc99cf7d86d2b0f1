"""How fast the app answers a click, and what many sessions leave behind: a real browser on a shipped model.

    python benchmarks/app_speed.py [--sessions 20] [--clicks 8]

Seconds from a click on a head to its heatmap, at 256 tokens; and the server's memory after each of many sessions, one
after another. Prints one JSON object.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from app_server import app_server

PROMPT = "x = " + "a + " * 125 + "b"
PAGES = ("", "heads", "deletion", "collapse", "geometry", "compare")


def resident_mib() -> float:
    """The largest resident memory among the Streamlit servers of this machine."""
    sizes = [0.0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            if b"streamlit" in command:
                [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
                sizes.append(int(line.split()[1]) / 1024)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            continue  # a process that ended while it was looked at
    return max(sizes)


def settled(page: Any) -> None:
    page.wait_for_timeout(150)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=120_000)


def seconds_per_click(browser: Browser, url: str, clicks: int) -> list[float]:
    """From the click on a head to its drawing."""
    page = browser.new_page()
    page.goto(f"{url}/?{urlencode({'model': 'cog', 'prompt': PROMPT})}")
    page.wait_for_selector(".head[data-drawn]", timeout=120_000)
    settled(page)
    found = []
    for turn in range(clicks):
        layer, head = divmod(turn, 4)
        started = time.perf_counter()
        page.click(f".grid button[data-head='{turn}']")
        page.wait_for_selector(f".head[data-drawn='layer {layer}, head {head}']")
        found.append(time.perf_counter() - started)
        settled(page)
    page.close()
    return found


def memory_over_sessions(browser: Browser, url: str, sessions: int) -> list[float]:
    """MiB after each session; each has a prompt of its own and walks through two pages."""
    found = []
    for turn in range(sessions):
        page = browser.new_page()
        for name in (PAGES[turn % len(PAGES)], PAGES[(turn + 1) % len(PAGES)]):
            page.goto(f"{url}/{name}?{urlencode({'model': 'cog', 'prompt': f'value_{turn} = {PROMPT}'[:400]})}")
            settled(page)
        page.close()
        found.append(round(resident_mib(), 1))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=8)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, app_server(Path(home)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        clicks = seconds_per_click(browser, url, asked.clicks)
        memory = memory_over_sessions(browser, url, asked.sessions)
        browser.close()
    said = {"click_seconds": round(statistics.median(clicks), 3), "slowest_click": round(max(clicks), 3), "mib": memory}
    sys.stdout.write(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
