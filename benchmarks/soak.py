"""A soak: five people use the app at once in a real browser, and ten thousand runs are asked of one service by threads.

    python benchmarks/soak.py [--sessions 5] [--interactions 200] [--runs 10000]

Each session has a model and prompts of its own and walks over all pages: it opens heads, changes its prompt and its
model, and goes from page to page. Whatever weights it is shown are held against those of its own model and prompt,
computed here. Exits with 1 where a weight was another's, an error was shown or written, or the server's memory grew by
more than a tenth after the first hundred interactions.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

os.environ.update(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS="1")  # the server's too

import torch
from app_speed import Server
from measuring import print_tables
from playwright.async_api import Page, async_playwright
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from app_server import app_server
from browser import FLAGS
from tiny_models import CORPUS, hooked_tiny

from headscope import load
from headscope.app.serving.service import ModelService
from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.reading.model_facts import model_facts

MODELS = ("cog", "softmax", "polynomial")
PAGES = {
    "Heads": "heads",
    "Deletion & copying": "deletion",
    "Collapse": "collapse",
    "Geometry": "geometry",
    "Compare & trajectories": "compare",
    "Experiments": "experiments",
    "All analyses": "analyses",
}
PROMPTS = 4  # of each session
GROWTH, SETTLING = 1.1, 100  # of memory; interactions of all sessions after which it may grow no more
WINDOW: Any = {"width": 1600, "height": 900}  # where all links to pages are side by side
THREADS, DEVIATION, LOOKS = 4, 1e-5, 60
DRAWN = ".head[data-drawn]:not([data-waiting])"
BOXES = "[data-testid=stException], [data-testid=stAlertContentError]"
SHOWN = """views => views.slice(0, 1).map(view => ({
    head: view.dataset.drawn, row: Number(view.dataset.shown),
    weights: [...view.getRootNode().querySelectorAll('.tokens button')].map(token => token.weight ?? null),
}))"""


@dataclass
class Tally:
    """What all sessions did and saw. errors: of pages and of the browser's console."""

    interactions: int = 0
    compared: int = 0
    foreign: int = 0
    errors: list[str] = field(default_factory=list[str])
    memory: list[float] = field(default_factory=list[float])


@dataclass
class Witness:
    """What sessions are held against: the runs of every model and prompt, and the server's memory."""

    tally: Tally
    runs: dict[tuple[str, str], AttentionRun]
    server: Server


@dataclass
class Session:
    """One person: a page, a model, prompts, and what those give, computed here."""

    number: int
    page: Page
    model: str
    prompt: str
    dice: random.Random

    def address(self, url: str) -> str:
        """A link to what the session looks at."""
        return f"{url}/?{urlencode({'model': self.model, 'prompt': self.prompt})}"


def prompt_of(session: int, turn: int) -> str:
    """A prompt that no other session has."""
    return f"def total_{session}_{turn}(values):\n    return sum(values) + {session * 10 + turn}"


def expected_runs(sessions: int) -> dict[tuple[str, str], AttentionRun]:
    """What every model makes of every prompt."""
    runs = {}
    for name in MODELS:
        model: Any = load(name)
        for prompt in (prompt_of(session, turn) for session in range(sessions) for turn in range(PROMPTS)):
            runs[name, prompt] = attention_run(model, asked_of(model, [prompt], Choices(), None).prompts[0])
    return runs


async def settled(page: Page) -> None:
    """Wait until the server is done with the page."""
    await page.wait_for_timeout(120)
    await page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


async def use(session: Session, url: str, count: int, witness: Witness) -> None:
    """So many interactions of one session, one after the other."""
    await session.page.goto(session.address(url))
    for _ in range(count):
        act = session.dice.choices((open_head, visit, change_prompt, change_model), (60, 25, 10, 5))[0]
        await act(session, url)
        await settled(session.page)
        await compare(session, witness)
        boxes = await session.page.locator(BOXES).all_inner_texts()
        witness.tally.errors += [f"session {session.number}, {act.__name__}: {text[:200]}" for text in boxes]
        witness.tally.interactions += 1
        witness.tally.memory.append(witness.server.mib)


async def open_head(session: Session, url: str) -> None:
    """Open any head of the grid, on the Attention page."""
    await on_attention(session)
    buttons = session.page.locator(".grid button[data-head]")
    await buttons.first.wait_for(timeout=60_000)
    await buttons.nth(session.dice.randrange(await buttons.count())).click()
    await session.page.wait_for_timeout(200)


async def on_attention(session: Session) -> None:
    """Be on the Attention page, its head drawn."""
    if urlparse(session.page.url).path != "/":
        await session.page.get_by_test_id("stTopNavLink").filter(has_text="Attention").click()
        await session.page.wait_for_url(lambda address: urlparse(address).path == "/", timeout=60_000)
    await session.page.locator(DRAWN).first.wait_for(timeout=60_000)
    await settled(session.page)


async def visit(session: Session, url: str) -> None:
    """Go to any other page."""
    name = session.dice.choice([*PAGES])
    await session.page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    await session.page.wait_for_url(lambda address: urlparse(address).path == f"/{PAGES[name]}", timeout=60_000)
    await session.page.get_by_role("heading", name=name).first.wait_for(timeout=60_000)


async def change_prompt(session: Session, url: str) -> None:
    """Write another prompt into the box."""
    await on_attention(session)
    session.prompt = prompt_of(session.number, session.dice.randrange(PROMPTS))
    box = session.page.get_by_label("Text", exact=True)
    await box.fill(session.prompt)
    await box.press("Control+Enter")
    await session.page.wait_for_timeout(400)


async def change_model(session: Session, url: str) -> None:
    """Choose another model, by a link, which begins a session anew."""
    session.model = session.dice.choice(MODELS)
    await session.page.goto(session.address(url))
    await session.page.locator(DRAWN).first.wait_for(timeout=60_000)


async def compare(session: Session, witness: Witness) -> None:
    """Hold the row that is shown against the session's own; a view that still draws what was before is waited for."""
    if urlparse(session.page.url).path != "/":
        return
    shown: list[dict[str, Any]] = []
    for _ in range(LOOKS):
        shown = await session.page.locator(DRAWN).evaluate_all(SHOWN)
        if shown and is_row_of(shown[0], witness.runs[session.model, session.prompt]):
            witness.tally.compared += 1
            return
        await session.page.wait_for_timeout(500)
    if not shown:
        witness.tally.errors.append(f"session {session.number}: no head is drawn")
        return
    others = [of for of, run in witness.runs.items() if is_row_of(shown[0], run)]
    witness.tally.foreign += 1
    witness.tally.errors.append(f"session {session.number}: {shown[0]['head']} of {others or 'no run'}, not its own")


def is_row_of(shown: dict[str, Any], run: AttentionRun) -> bool:
    """Whether the weights on a page are those of a run; a key that is not seen has none."""
    layer, head = (int(word.split()[1]) for word in shown["head"].split(", "))
    seen = [0.0 if weight is None else weight for weight in shown["weights"]]
    if shown["row"] >= len(run.tokens) or len(seen) != len(run.tokens):
        return False
    row = run.weights(layer, head)[shown["row"]].tolist()
    return max(abs(a - b) for a, b in zip(seen, row, strict=True)) <= DEVIATION


async def soak(url: str, server: Server, sessions: int, interactions: int) -> Tally:
    """All sessions at once."""
    tally = Tally()
    witness = Witness(tally, expected_runs(sessions), server)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        people = []
        for number in range(sessions):
            page = await (await chromium.new_context(viewport=WINDOW, reduced_motion="reduce")).new_page()
            page.on("pageerror", lambda error: tally.errors.append(f"page error: {error}"))
            page.on("console", lambda message: tally.errors.extend(complaint(message)))
            people.append(
                Session(number, page, MODELS[number % len(MODELS)], prompt_of(number, 0), random.Random(number))
            )
        await asyncio.gather(*(use(person, url, interactions, witness) for person in people))
        await chromium.close()
    return tally


def complaint(message: Any) -> list[str]:
    """What the console says, where it is an error that no page causes by asking for its own base path."""
    place = (message.location or {}).get("url", "")
    return [f"console: {message.text}"] if message.type == "error" and "_stcore" not in place else []


def wrong_runs(count: int) -> int:
    """How many of so many runs, asked of one service by threads, were not those of the prompt that was asked for."""
    model: Any = hooked_tiny("cog")
    service = ModelService(model, model_facts(model))
    prompts = [CORPUS[0][:length] for length in range(20, 100, 5)]
    alone = [service.attention(prompt, False).patterns.clone() for prompt in prompts]
    fresh = ModelService(model, model_facts(model))

    def is_wrong(turn: int) -> bool:
        at = random.Random(turn).randrange(len(prompts))
        return not torch.equal(fresh.attention(prompts[at], False).patterns, alone[at])

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(is_wrong, range(count)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--interactions", type=int, default=200)
    parser.add_argument("--runs", type=int, default=10_000)
    given = parser.parse_args()
    began = time.monotonic()
    wrong = wrong_runs(given.runs)
    with tempfile.TemporaryDirectory() as home, app_server(Path(home)) as url:
        server = Server(url, Path(home))
        tally = asyncio.run(soak(url, server, given.sessions, given.interactions))
    settled_mib, most_mib = max(tally.memory[:SETTLING]), max(tally.memory[SETTLING:] or tally.memory)
    table = Table("what", "measured", "bar", title=f"soak, {(time.monotonic() - began) / 60:.1f} minutes")
    for what, value, bar, is_met in (
        (f"wrong runs of {given.runs:,} by {THREADS} threads", wrong, "0", not wrong),
        (f"interactions of {given.sessions} sessions", tally.interactions, "", True),
        ("rows that were compared", tally.compared, "", True),
        ("rows of another session", tally.foreign, "0", not tally.foreign),
        ("errors", len(tally.errors), "0", not tally.errors),
        ("MiB of the server in the first hundred", f"{settled_mib:.0f}", "", True),
        ("after every hundred", " ".join(f"{mib:.0f}" for mib in tally.memory[SETTLING - 1 :: SETTLING]), "", True),
        ("at most after the first hundred", f"{most_mib:.0f}", f"≤ {GROWTH:g} ×", most_mib <= GROWTH * settled_mib),
    ):
        table.add_row(what, f"{value}{'' if is_met else ' past'}", bar)
    for line in tally.errors[:20]:
        Console(stderr=True).print(line, markup=False)
    sys.exit(print_tables([table]))


if __name__ == "__main__":
    main()
