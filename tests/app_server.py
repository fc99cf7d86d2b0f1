"""The app as a user starts it: a Streamlit server of its own on a free port of this computer."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).parents[1]
# What the server's library writes when a tab closes while the server answers it: no page's fault.
TAB_IS_GONE = re.compile(
    r"Traceback \(most recent call last\):\n(?:  .*\n)+starlette\.websockets\.WebSocketDisconnected: .*\n"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as reply:
            return reply.read() == b"ok"
    except (URLError, OSError):
        return False


@contextmanager
def app_server(home: Path, script: Path = ROOT / "app" / "server.py", python: str = sys.executable) -> Iterator[str]:
    """The address of a server that runs until the block ends; it must not have written a traceback."""
    port, log = free_port(), home / "server.log"
    url = f"http://127.0.0.1:{port}"
    command = [python, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=home, env={**os.environ, "HOME": str(home)}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 60
        while not answers(url):
            assert server.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(20)
    text = TAB_IS_GONE.sub("", log.read_text(errors="replace"))
    assert "Traceback" not in text, text[-4000:]
