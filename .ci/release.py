"""Release: wheel and source distribution, tried in empty environments; then the changelog, the version and the tag.

`make release VERSION=0.3.0`; `make wheel` builds and tries without releasing. Nothing of the working tree changes
before all that can be tried here has passed. A Python that is not on this machine is skipped and named; where pip knows
no torch without CUDA, the wheel is resolved and compiled alone.
"""

import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from datetime import date
from pathlib import Path

from changelog import cut
from environments import ROOT, built, committed_copy, cuda_packages, empty_environment, interpreter, printed, sizes

PYTHONS = ("3.11", "3.12", "3.13")
LARGEST = 12
TRIAL = """
from headscope import analyse, load
print(analyse(load("cog"), "for i in range(", ["negative_mass"])["negative_mass"].minority_mass.shape)
"""
VERSIONED = {  # file -> where the version stands in it
    "pyproject.toml": re.compile(r'^version = "(.+)"$', re.M),
    "CITATION.cff": re.compile(r"^version: (.+)$", re.M),
}


def main() -> None:
    """Release the version that is named, or build and try alone."""
    version = sys.argv[1] if sys.argv[1:] else ""
    if version:
        refuse_release(version)
    with tempfile.TemporaryDirectory() as scratch:
        copy = committed_copy(Path(scratch) / "source")
        if version:
            write_version(copy, version)
        wheel, source = built(copy)
        refuse_other_contents(wheel, source)
        tried = [python for python in PYTHONS if is_tried(python, wheel, Path(scratch))]
        if not tried:
            sys.exit(f"none of Python {', '.join(PYTHONS)} could be tried: nothing is released")
        for file in (wheel, source):
            (ROOT / "dist").mkdir(exist_ok=True)
            shutil.copy(file, ROOT / "dist")
            print(f"dist/{file.name}: {file.stat().st_size / 2**20:.1f} MiB")
    if version:
        tag(version)


def refuse_release(version: str) -> None:
    """Exit with the reason where nothing can be released."""
    if changes := printed("git", "status", "--porcelain").splitlines():
        sys.exit(f"a release is made of what is committed; git status names {', '.join(changes)}"[:500])
    if f"v{version}" in printed("git", "tag").split():
        sys.exit(f"version {version} exists: git has the tag v{version}")
    try:
        cut((ROOT / "CHANGELOG.md").read_text(), version, date.today())
    except ValueError as refusal:
        sys.exit(str(refusal))


def write_version(folder: Path, version: str) -> None:
    """The version in every file of the folder that names it, and the cut changelog."""
    changelog = folder / "CHANGELOG.md"
    changelog.write_text(cut(changelog.read_text(), version, date.today()))
    for name, place in VERSIONED.items():
        text = (folder / name).read_text()
        if not (match := place.search(text)):
            sys.exit(f"{name} names no version")
        (folder / name).write_text(text[: match.start(1)] + version + text[match.end(1) :])


def refuse_other_contents(wheel: Path, source: Path) -> None:
    """Exit where a wheel made of the source distribution would hold other files than the wheel."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(source) as packed:
            packed.extractall(scratch, filter="data")
        [unpacked] = Path(scratch).iterdir()
        again, _ = built(unpacked)
        names, others = (set(zipfile.ZipFile(file).namelist()) for file in (wheel, again))
    if names != others:
        sys.exit(f"the source distribution makes another wheel: {sorted(names ^ others)[:5]}")


def is_tried(version: str, wheel: Path, scratch: Path) -> bool:
    """Install the wheel in an empty environment of that Python and analyse a shipped model; say so, or why not."""
    base = interpreter(version)
    if base is None:
        print(f"Python {version}: skipped, there is none on this machine")
        return False
    python = empty_environment(scratch / f"python{version}", base)
    wanted = ("--constraint", ROOT / "constraints.txt", wheel)
    if brought := cuda_packages(python, *wanted):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(scratch / "compiled")
        printed(python, "-m", "compileall", "-q", "-f", scratch / "compiled")
        print(f"Python {version}: resolved and compiled, not run: torch brings {len(brought)} packages for CUDA")
        return False
    printed(python, "-m", "pip", "install", "--quiet", *wanted)
    try_installed(version, python, scratch)
    return True


def try_installed(version: str, python: Path, scratch: Path) -> None:
    """Run what is installed, away from the repository, and say what it takes."""
    shape = printed(python, "-c", TRIAL, folder=scratch).strip()
    printed(python.with_name("headscope"), "zoo", folder=scratch)
    measured = sizes(python)
    largest = ", ".join(f"{name} {size >> 10}" for name, size in measured.most_common(LARGEST))
    print(f"Python {version}: opens and analyses ({shape}); {measured.total() >> 10} MiB: {largest}")


def tag(version: str) -> None:
    """The version in the working tree, committed and tagged; sending it anywhere is left to who releases."""
    write_version(ROOT, version)
    printed("git", "commit", "--quiet", "--message", f"headscope {version}", "CHANGELOG.md", *VERSIONED)
    printed("git", "tag", "--annotate", f"v{version}", "--message", f"headscope {version}")
    print(f"v{version} is committed and tagged; send it with git push --follow-tags, and upload dist/")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # what is tried takes minutes
    main()
