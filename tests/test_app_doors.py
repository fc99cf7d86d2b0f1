"""The app's doors: its own pages alone may use it, and it opens what lies in its roots."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from headscope.app.serving.doors.model_roots import ElsewhereError, agree_to, agreed_places, model_roots
from headscope.app.serving.doors.own_site import SITES, OwnSite
from headscope.app.serving.model_source import typed_folder
from headscope.models import zoo

OWN = "localhost:8501"


@pytest.fixture(scope="module")
def client() -> TestClient:
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    routes = [Route("/", lambda request: PlainTextResponse("page")), WebSocketRoute("/stream", stream)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(OwnSite)]), base_url=f"http://{OWN}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:8501"},
        {"origin": f"http://{OWN}"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},  # a link
    ],
)
def test_own_pages_and_links_to_them_are_answered(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).text == "page"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"host": "evil.example"}, "was asked for 'evil.example'"),
        ({"host": "localhost:9999"}, "was asked for 'localhost:9999'"),
        ({"host": "localhost.evil.example:8501"}, "was asked for"),
        ({"origin": "http://evil.example"}, "is from 'http://evil.example'"),
        ({"origin": "http://localhost:3000"}, "is from 'http://localhost:3000'"),
        ({"origin": "null"}, "is from 'null'"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, "from another site"),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, "from another site"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, "another site"),
    ],
)
def test_other_sites_are_refused_with_the_reason(client: TestClient, headers: dict[str, str], reason: str) -> None:
    answer = client.get("/", headers=headers)
    assert answer.status_code == 403 and reason in answer.text and len(answer.text.splitlines()) == 1


def test_a_socket_is_taken_from_its_own_port_alone(client: TestClient) -> None:
    with client.websocket_connect(f"ws://{OWN}/stream", headers={"host": OWN, "origin": f"http://{OWN}"}):
        pass
    for origin in ("http://localhost:8502", "http://127.0.0.1:8501", "null", None):
        headers = {"host": OWN, **({"origin": origin} if origin else {})}
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://{OWN}/stream", headers=headers):
            pass


def test_no_other_site_may_frame_or_embed_a_page(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["content-security-policy"] == "frame-ancestors 'self'" and headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_proxy_is_let_in_by_the_name_that_was_given(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"host": "lab.example.org", "origin": "https://lab.example.org"}
    assert client.get("/", headers=headers).status_code == 403
    monkeypatch.setenv(SITES, "lab.example.org")
    assert client.get("/", headers=headers).status_code == 200


@pytest.fixture
def started_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which the app was started without --models; elsewhere/ is beside it."""
    for name in ("here", "elsewhere/model"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.delenv("HEADSCOPE_MODELS")
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    agreed_places().clear()


def test_the_folder_it_was_started_in_and_the_shipped_models_are_opened(started_in: Path) -> None:
    (started_in / "mine").mkdir()
    assert typed_folder("mine") == started_in / "mine"
    assert typed_folder(str(zoo.folder("cog"))) == zoo.folder("cog")


@pytest.mark.parametrize("through", ["../elsewhere/model", "link"])
def test_another_place_is_opened_once_it_is_agreed_to(started_in: Path, through: str) -> None:
    elsewhere = started_in.parent / "elsewhere"
    (started_in / "link").symlink_to(elsewhere / "model")
    with pytest.raises(ElsewhereError, match=r"elsewhere/model is not in .*here, where the app was started") as refusal:
        typed_folder(through)
    agree_to(refusal.value.place)
    assert typed_folder(through) == elsewhere / "model"
    with pytest.raises(ElsewhereError):
        typed_folder(str(elsewhere))


def test_where_roots_are_named_nothing_else_can_be_agreed_to(started_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSCOPE_MODELS", os.pathsep.join([str(started_in.parent / "elsewhere"), str(zoo.HERE)]))
    assert len(model_roots()) == 2 and typed_folder("../elsewhere/model")
    with pytest.raises(ValueError, match=r"outside the folders .*elsewhere, .*; start it with one more --models") as no:
        typed_folder(".")
    assert not isinstance(no.value, ElsewhereError)
