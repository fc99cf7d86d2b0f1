"""A page of another site in the same browser: it may link to the app, and neither read, drive nor frame it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

SOCKET = """address => new Promise(done => {
    const socket = new WebSocket(address.replace("http", "ws") + "/_stcore/stream", ["streamlit"]);
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
})"""
FETCH = "address => fetch(address, { mode: 'no-cors' }).then(() => 'answered', () => 'refused')"


class OtherSite(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<body>another site</body>")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def other_site(contexts: dict[str, Any]) -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherSite)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = contexts["light"].new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}")
    yield page
    page.close()
    server.shutdown()
    server.server_close()


def test_another_site_gets_no_socket_and_reads_nothing(other_site: Any, url: str) -> None:
    assert other_site.evaluate(SOCKET, url) == "refused"
    assert other_site.evaluate(FETCH, f"{url}/_stcore/health") == "refused"


def test_another_site_frames_no_page(other_site: Any, url: str) -> None:
    other_site.evaluate("address => { document.body.innerHTML = `<iframe src='${address}'></iframe>` }", url)
    other_site.wait_for_timeout(1500)
    framed = other_site.frames[1]
    assert not framed.locator("[data-testid=stApp]").count()


def test_a_link_of_another_site_opens_the_app(other_site: Any, url: str) -> None:
    other_site.evaluate("address => { document.body.innerHTML = `<a href='${address}'>open</a>` }", url)
    other_site.get_by_text("open").click()
    other_site.wait_for_selector("[data-testid=stApp]", timeout=60_000)
