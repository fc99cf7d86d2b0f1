"""Bounds: the tests of every part that a requirement is for, with its lowest versions, and with the newest there are.

`make bounds`. Environments of their own, made by uv; torch is the one that is installed here, since another one may
bring gigabytes. Prints what was installed, and how the tests went; gives the number of environments that failed.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

from environments import QUIET, ROOT, committed_copy, printed

RESOLUTIONS = ("lowest-direct", "highest")
EXTRAS = ("gguf", "sweep", "train", "tsne")
TOOLS = ("beartype", "hypothesis", "playwright", "pytest", "pytest-xdist")  # playwright is imported alone
TESTS = (
    *("attention_names", "attention_refusals", "attention_weights", "checkpoints_converters", "checkpoints_round_trip"),
    *("figures_labels", "hooked_use", "io_extras", "results", "training_processes"),
)
PAGES = (
    "tests/test_app_pages.py::test_a_link_opens_its_head",
    "tests/test_app_pages.py::test_an_example_goes_into_the_prompt",
    "tests/test_app_views.py::test_a_link_opens_the_head_on_every_page",
)


def main() -> int:
    """Try the lowest and the newest versions, or what is named."""
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = committed_copy(Path(scratch) / "source")  # of a wheel, uv takes the newest that it requires
        for resolution in sys.argv[1:] or RESOLUTIONS:
            python = environment(Path(scratch) / resolution, copy, resolution)
            print(f"{resolution}: {', '.join(installed(python))}", flush=True)
            failed += not passes(python)
    return failed


def environment(folder: Path, copy: Path, resolution: str) -> Path:
    """The python of a new environment that holds the copy with what it requires, and what runs the tests."""
    python, torch = folder / "bin" / "python", folder.with_suffix(".torch")
    torch.write_text(f"torch=={version('torch')}\n")
    tools = [line for line in (ROOT / "constraints.txt").read_text().split() if line.partition("==")[0] in TOOLS]
    uv = (sys.executable, "-m", "uv", "--quiet", "--native-tls")
    places = [word for place in os.environ.get("PIP_FIND_LINKS", "").split() for word in ("--find-links", place)]
    printed(*uv, "venv", "--python", sys.executable, folder)
    wanted = ("--override", torch, "--resolution", resolution, *places, f"{copy}[{','.join(EXTRAS)}]", *tools)
    printed(*uv, "pip", "install", "--python", python, *wanted)
    return python


def installed(python: Path) -> list[str]:
    """The versions of what headscope requires itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    names = [line.partition(">=")[0].partition("[")[0] for line in (*project["dependencies"], *extras)]
    code = f"from importlib.metadata import version\nfor name in {names}: print(name, version(name))"
    return printed(python, "-c", code).splitlines()


def passes(python: Path) -> bool:
    """Whether the tests pass with what is installed; what they print is shown."""
    tests = [f"tests/test_{name}.py" for name in TESTS]
    options = ["-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
    command = [python, "-m", "pytest", *options, "-m", "not slow and not e2e", *tests, *PAGES]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
