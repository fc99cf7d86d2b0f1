"""Starting the app: this process becomes a Streamlit server of this machine, on a port that is free."""

import os
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from headscope.app.serving.doors.model_roots import ROOTS
from headscope.app.serving.doors.own_site import NAMES, SITES
from headscope.models.io.cache_folder import home_folder

ADDRESS = "127.0.0.1"
SITE = re.compile(r"[\w.-]+(?::\d{1,5})?", re.ASCII)
MOST_UPLOAD = 4096  # MiB; the server is this machine


def launch(port: int, models: Sequence[Path] = (), sites: Sequence[str] = ()) -> None:
    """Serve the app on `port` and open the browser where there is a desktop; a taken port is refused.

    models: the folders under which it opens models. sites: what a proxy before it is called by its users.
    """
    refuse_taken(port)
    home_folder()  # where Streamlit reads and keeps what is its own
    named = {ROOTS: os.pathsep.join(map(root_named, models)), SITES: ",".join(map(site_named, sites))}
    typer.echo(f"headscope: http://localhost:{port} (Ctrl+C stops it)")
    typer.echo(f"It listens on {ADDRESS} alone, and opens models in {named[ROOTS] or Path.cwd()}")
    options = {
        "server.port": port,
        "server.headless": str(not has_desktop()).lower(),
        "server.showEmailPrompt": "false",
        "server.maxUploadSize": MOST_UPLOAD,
        "logger.hideWelcomeMessage": "true",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={name.partition(':')[0]}" for name in (*NAMES, *sites)]
    script = Path(__file__).parents[1] / "server.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    os.execve(sys.executable, command, os.environ | {name: text for name, text in named.items() if text})


def root_named(folder: Path) -> str:
    """A folder that is there, by its whole path. Raises ValueError for one that is not."""
    if not folder.is_dir():
        raise ValueError(f"--models names a folder of this computer, and there is no folder {folder}")
    return str(folder.resolve())


def site_named(name: str) -> str:
    """The name of a site as browsers send it. Raises ValueError for an address with more than name and port."""
    if not SITE.fullmatch(name):
        raise ValueError(f"--site takes a name, perhaps with a port, such as lab.example.org:8443; got {name!r}")
    return name.lower()


def refuse_taken(port: int) -> None:
    """Raise ValueError when something listens on the port already."""
    with socket.socket() as caller:
        if caller.connect_ex((ADDRESS, port)) == 0:
            raise ValueError(f"port {port} is taken, perhaps by the app itself; choose another one with --port")


def has_desktop() -> bool:
    """Is there a screen that a browser could open on?"""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
