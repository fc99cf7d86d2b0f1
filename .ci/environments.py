"""Environments: packages built from what git has, and empty environments in which they are tried."""

import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = "from setuptools import build_meta as build; build.build_wheel('dist'); build.build_sdist('dist')"
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def printed(*command: str | Path, folder: Path = ROOT) -> str:
    """What a command prints. Exits with its complaint where it fails."""
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, env=os.environ | QUIET)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))[:200]} failed:\n{(done.stderr or done.stdout)[-4000:]}")
    return done.stdout


def committed_copy(folder: Path) -> Path:
    """A folder with what the last commit holds: a build leaves files behind, and packs those that lie about."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


def built(copy: Path) -> tuple[Path, Path]:
    """The wheel and the source distribution of a copy."""
    (copy / "dist").mkdir(exist_ok=True)
    printed(sys.executable, "-c", BUILD, folder=copy)
    [wheel], [source] = (copy / "dist").glob("*.whl"), (copy / "dist").glob("*.tar.gz")
    return wheel, source


def interpreter(version: str) -> Path | None:
    """A Python of that version, on the path or of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(pyenv.glob(f"{version}.*/bin"))]
    for place in (folder / f"python{version}" for folder in folders):
        if place.exists() and subprocess.run([place, "--version"], capture_output=True).returncode == 0:
            return place
    return None


def empty_environment(folder: Path, python: Path) -> Path:
    """The python of a new environment."""
    printed(python, "-m", "venv", folder)
    return folder / "bin" / "python"


def cuda_packages(python: Path, *wanted: str | Path) -> list[str]:
    """What pip would install for NVIDIA's GPUs; nothing is installed. Gigabytes of it are no part of a check."""
    report = json.loads(printed(python, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-", *wanted))
    names = [item["metadata"]["name"].lower() for item in report["install"]]
    return [name for name in names if name.startswith(("nvidia-", "cuda-"))]


def sizes(python: Path) -> Counter[str]:
    """KiB of every folder that is installed."""
    [packages] = python.parent.parent.glob("lib/python*/site-packages")
    listed = (line.split("\t") for line in printed("du", "-sk", *packages.iterdir()).splitlines())
    return Counter({Path(path).name: int(size) for size, path in listed})
