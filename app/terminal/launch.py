"""Starting the app: this process becomes a Streamlit server of this machine, on a port that is free."""

import os
import socket
import sys
from pathlib import Path

import typer

ADDRESS = "127.0.0.1"
MOST_UPLOAD = 4096  # MiB; the server is this machine


def launch(port: int) -> None:
    """Serve the app on `port` and open the browser where there is a desktop; a taken port is refused."""
    refuse_taken(port)
    typer.echo(f"headscope: http://localhost:{port} (Ctrl+C stops it)")
    options = {
        "server.port": port,
        "server.headless": str(not has_desktop()).lower(),
        "server.showEmailPrompt": "false",
        "server.maxUploadSize": MOST_UPLOAD,
        "logger.hideWelcomeMessage": "true",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    script = Path(__file__).parents[1] / "main.py"
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(script), *flags])


def refuse_taken(port: int) -> None:
    """Raise ValueError when something listens on the port already."""
    with socket.socket() as caller:
        if caller.connect_ex((ADDRESS, port)) == 0:
            raise ValueError(f"port {port} is taken, perhaps by the app itself; choose another one with --port")


def has_desktop() -> bool:
    """Is there a screen that a browser could open on?"""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
