"""Mutants: the code with one operator, number or word exchanged; a test of its room should fail for each.

Run by hand (`make check-tests`): a sample of all mutants of models/attention and interp/, each in a copy of the tree,
by the tests of its room; what no test kills is printed and is the exit code.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parent.parent
PLACES = ("models/attention", "interp")
NOT_RUN = ("interp/experiments",)  # their trials are hours of training
NO_MUTANTS = ("BitOr", "NoOp", "RemoveDecorator", "ExceptionReplacer")  # | stands in annotations alone
SAMPLE, SEED, JOBS = 50, 0, 2
SECONDS = 1200


@dataclass(frozen=True)
class Mutant:
    """A file with one place changed."""

    file: str
    operator: str
    occurrence: int

    @property
    def room(self) -> str:
        """The folder that its tests are named by."""
        return Path(self.file).parts[1].removesuffix(".py")

    def code(self, original: str) -> str:
        """The changed code."""
        changed = mutate_code(original, get_operator(self.operator)(), self.occurrence)
        assert changed is not None, self
        return changed

    def diff(self) -> str:
        """What is changed."""
        original = (ROOT / self.file).read_text()
        lines = unified_diff(original.splitlines(), self.code(original).splitlines(), self.file, lineterm="", n=0)
        return "\n".join(lines)


def mutants() -> Iterator[Mutant]:
    """All there are, file by file."""
    names = [name for name in operator_names() if not any(word in name for word in NO_MUTANTS)]
    operators = {name: get_operator(name)() for name in names if not get_operator(name).arguments()}
    for place in PLACES:
        for file in sorted((ROOT / place).rglob("*.py")):
            name = str(file.relative_to(ROOT))
            if name.startswith(NOT_RUN):
                continue
            nodes = list(ast_nodes(get_ast(file.read_text())))
            for operator, item in operators.items():
                places = sum(len(list(item.mutation_positions(node))) for node in nodes)
                yield from (Mutant(name, operator, at) for at in range(places))


def copied_tree(to: Path) -> Path:
    """The code and its tests in a folder where a file may be changed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, to / name)
    package = to / ".links" / "headscope"
    package.mkdir(parents=True)
    for name, place in {
        "__init__.py": "app/face/__init__.py",
        **{part: part for part in ("app", "interp", "models")},
    }.items():
        (package / name).symlink_to(to / place)
    return to


def survives(mutant: Mutant, tree: Path) -> bool:
    """Whether every test of its room passes with it. Raises RuntimeError where there are no tests, or none ran."""
    file = tree / mutant.file
    original = file.read_text()
    tests = sorted(str(test.relative_to(tree)) for test in (tree / "tests").glob(f"test_{mutant.room}*.py"))
    tests += ["tests/test_asking_table.py"]  # every analysis over every variant
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow and not e2e",
        *tests,
    ]
    file.write_text(mutant.code(original))
    try:
        environment = {**os.environ, "PYTHONPATH": str(tree / ".links")}
        run = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False
    finally:
        file.write_text(original)
    if run.returncode not in (0, 1, 2):
        raise RuntimeError(f"{mutant}: pytest ended with {run.returncode}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode == 0


def survivors(sample: list[Mutant]) -> list[Mutant]:
    """Those that no test kills; says of each how it went."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as pool:
        trees = [copied_tree(Path(folder) / str(at)) for at in range(JOBS)]
        parts = [sample[at::JOBS] for at in range(JOBS)]
        return [mutant for lived in pool.map(survivors_in, parts, trees) for mutant in lived]


def survivors_in(sample: list[Mutant], tree: Path) -> list[Mutant]:
    """The same in one copy of the tree, one after the other."""
    lived = []
    for mutant in sample:
        survived = survives(mutant, tree)
        print("survived" if survived else "killed  ", mutant.file, mutant.operator, mutant.occurrence, flush=True)
        lived += [mutant] if survived else []
    return lived


def main() -> None:
    """Sample, run, and print the changes that no test notices."""
    everything = list(mutants())
    sample = random.Random(SEED).sample(everything, SAMPLE)
    lived = survivors(sample)
    print(f"{SAMPLE - len(lived)} of {SAMPLE} mutants killed, of {len(everything)} there are")
    sys.exit("\n\n".join(mutant.diff() for mutant in lived))


if __name__ == "__main__":
    main()
