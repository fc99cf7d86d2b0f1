"""The wheel: installed away from its repository, beside other people's `models`, the package opens what it ships."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from app_server import app_server

ROOT = Path(__file__).parent.parent
# A python of an environment in which a wheel of this tree is installed and nothing else was: see .ci/run.
ELSEWHERE = os.environ.get("HEADSCOPE_INSTALLED_PYTHON")
ANALYSIS = """
from headscope import analyse, load
model = load("cog")
print(analyse(model, "for i in range(", ["negative_mass"])["negative_mass"].minority_mass.shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what is tracked, since a build leaves files behind."""
    copy = tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(copy / "dist"), "."]
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    [built] = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of an environment which holds the wheel, and borrows from this one what the wheel requires."""
    if ELSEWHERE:
        return ELSEWHERE
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    install = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return str(folder / "bin" / "python")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A researcher's own folder, whose packages have the names of our three folders."""
    for name in ("app", "interp", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(python: str, *arguments: str) -> str:
    """What python prints."""
    done = subprocess.run([python, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_holds_one_package_with_final_weights_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"headscope"}
    tracked = subprocess.run(["git", "ls-files", "app", "interp", "models"], cwd=ROOT, capture_output=True, text=True)
    shipped = {"headscope/" + name for name in tracked.stdout.split() if "/step-" not in name}
    shipped = {name.replace("headscope/app/face/", "headscope/") for name in shipped}
    assert shipped == {name for name in names if ".dist-info/" not in name}


def test_a_shipped_model_opens_and_is_analysed_beside_other_packages_of_the_same_names(
    python: str, project: Path
) -> None:
    assert printed(python, "-c", ANALYSIS) == "torch.Size([6, 4])\n"


def test_a_notebook_cell_runs_beside_them(python: str, project: Path) -> None:
    notebook = json.loads((ROOT / "notebooks" / "where_does_cog_delete.ipynb").read_text())
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    (project / "cell.py").write_text("".join(first["source"]))
    printed(python, "cell.py")


def test_the_commands_list_what_is_shipped(python: str, project: Path) -> None:
    command = str(Path(python).with_name("headscope"))
    assert "polynomial" in subprocess.run([command, "zoo"], capture_output=True, text=True).stdout


def test_a_snapshot_that_is_not_in_the_wheel_says_where_it_is(python: str, project: Path) -> None:
    done = subprocess.run(
        [python, "-c", "from headscope import load; load('cog-longer', step=192)"], capture_output=True
    )
    assert b"the snapshots are kept in the repository, not in the installed package" in done.stderr


def test_the_app_answers(python: str, project: Path) -> None:
    [script] = Path(python).parent.parent.glob("lib/python*/site-packages/headscope/app/server.py")
    with app_server(project, script, python):
        pass
