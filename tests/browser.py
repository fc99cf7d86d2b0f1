"""A real browser for the tests: one server, one context per colour scheme, tabs that may not complain."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import pytest
from app_server import ROOT, app_server

ARTIFACTS = Path(os.environ.get("HEADSCOPE_ARTIFACTS", ROOT / "artifacts"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# A page asks its own server for these before it knows its base path.
BENIGN = re.compile(r"/_stcore/(health|host-config)$")
NO_SECOND = {"viewport": {"width": 1500, "height": 1300}, "reduced_motion": "reduce", "locale": "en-GB"}


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with app_server(tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_models import tiny_folder

    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner", context=1024)


@pytest.fixture(scope="session")
def run(folder: Path) -> Any:
    """What the folder's model does with the first prompt, an AttentionRun, beside which a page is held."""
    from tiny_models import CORPUS

    from headscope import load
    from headscope.interp.heads.attention_run import attention_run
    from headscope.interp.reading.prompt_tokens import prompt_tokens

    model: Any = load(folder)
    tokens = prompt_tokens(CORPUS[0], model.plain_tokenizer, prepend_bos=False, vocabulary=300, context=1024)
    return attention_run(model, tokens)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def contexts(browser: Any) -> dict[str, Any]:
    """One context per colour scheme: the frontend's own files are fetched once, each tab is a session."""
    return {scheme: browser.new_context(**NO_SECOND, color_scheme=scheme) for scheme in ("light", "dark")}


@pytest.fixture
def tab(contexts: dict[str, Any], url: str, folder: Path) -> Iterator[Callable[..., Any]]:
    """Opens tabs on the folder's model; at the end none may have complained, failed, or asked another host."""
    complaints: list[str] = []
    pages: list[Any] = []

    def open_tab(
        address: str | None = None, scheme: str = "light", wait: str = ".head[data-drawn]", **query: str
    ) -> Any:
        page = contexts[scheme].new_page()
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("console", lambda message: complaints.extend(complaint(message)))
        page.on("request", lambda request: complaints.extend(foreign(request.url, url)))
        page.goto(address or link(url, folder, **query))
        page.wait_for_selector(wait)
        settle(page)
        return page

    yield open_tab
    tracebacks = sum(page.locator("[data-testid=stException]").count() for page in pages)
    for page in pages:
        page.close()
    assert not complaints and not tracebacks, complaints


def complaint(message: Any) -> list[str]:
    is_benign = message.type != "error" or BENIGN.search((message.location or {}).get("url", ""))
    return [] if is_benign else [f"console: {message.text}"]


def foreign(asked: str, own: str) -> list[str]:
    return [] if asked.startswith((own, own.replace("http", "ws"), "data:", f"blob:{own}")) else [f"asked {asked}"]


def link(url: str, folder: Path, **query: str) -> str:
    from tiny_models import CORPUS

    return f"{url}/?{urlencode({'model': 'a folder', 'folder': str(folder), 'prompt': CORPUS[0], **query})}"


def settle(page: Any) -> None:
    page.wait_for_timeout(150)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def query(page: Any) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlparse(page.url).query).items()}


def keep(page: Any, name: str) -> None:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(ARTIFACTS / f"{name}.png"))
