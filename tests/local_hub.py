"""A stand-in for the hub on this computer: the few answers that huggingface_hub needs to fetch a model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GATED = "owner/closed"


def handler(name: str, folder: Path, served: list[str]) -> type[BaseHTTPRequestHandler]:
    """Serves the folder as the model of that name; `served` gathers the files that were sent."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if GATED in path:
                self.answer(403, b"{}", **{"X-Error-Code": "GatedRepo"})
            elif path.startswith(f"/api/models/{name}/tree/"):
                self.answer(200, json.dumps([entry(file) for file in sorted(folder.iterdir())]).encode())
            elif path.startswith(f"/api/models/{name}"):
                files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
                self.answer(200, json.dumps({"id": name, "sha": COMMIT, "siblings": files}).encode())
            elif path.startswith(f"/{name}/resolve/"):
                file = folder / path.rpartition("/")[2]
                if self.command == "GET":
                    served.append(file.name)
                etag = sha256(file.read_bytes()).hexdigest()
                self.answer(200, file.read_bytes(), ETag=f'"{etag}"', **{"X-Repo-Commit": COMMIT})
            else:
                self.answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    return Hub


def entry(file: Path) -> dict[str, object]:
    """A file in the listing of a repository."""
    return {
        "type": "file",
        "path": file.name,
        "size": file.stat().st_size,
        "oid": sha256(file.read_bytes()).hexdigest(),
    }


@contextmanager
def local_hub(name: str, folder: Path, served: list[str]) -> Iterator[str]:
    """The address of a hub that has this one model."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(name, folder, served))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
