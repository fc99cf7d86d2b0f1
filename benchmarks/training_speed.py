"""How fast each shipped model trains: tokens per second of CPU time, and the ratio to softmax in the same run.

    python benchmarks/training_speed.py [--steps 8] [--write]

The recipes of the zoo take turns, one training step each (the same batch of tokens); one thread, medians over the
steps after a warm-up. CPU seconds, so that a busy machine changes little. --write puts the result into the zoo's
speed.json, from which `headscope zoo` and the table of the docs take it.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from headscope.models import zoo
from headscope.models.fitting.fit import update
from headscope.models.fitting.machine import machine_facts
from headscope.models.io.json_file import write_json
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.run import Run, open_run
from headscope.models.training.shipped import SPEED, shipped_models


def opened_runs(scratch: Path) -> dict[str, Run]:
    """The recipes of the shipped models of text, as new runs of one number format."""
    recipes = {model.name: read_recipe(zoo.HERE / model.name / "recipe.toml") for model in shipped_models()}
    return {name: open_run(replace(recipe, precision="float32"), scratch / name) for name, recipe in recipes.items()}


def step_seconds(runs: dict[str, Run], steps: int) -> dict[str, list[float]]:
    """CPU seconds of each step of each run; the runs take turns, and the first round warms up."""
    seen: dict[str, list[float]] = {name: [] for name in runs}
    for step in track(range(steps + 1), "steps"):
        for name, run in runs.items():
            began = time.process_time()
            update(run.fitting, step)
            if step:
                seen[name].append(time.process_time() - began)
    return seen


def summary(runs: dict[str, Run], seen: dict[str, list[float]]) -> dict[str, Any]:
    """What speed.json holds; a ratio is the median over rounds of a variant's seconds over softmax's."""
    recipe, tokens = runs["softmax"].recipe, runs["softmax"].fitting.objective.per_step
    ratios = {name: [own / base for own, base in zip(seen[name], seen["softmax"], strict=True)] for name in seen}
    return {
        "tokens_per_second": {name: round(tokens / statistics.median(seen[name]), 1) for name in seen},
        "seconds_per_step_over_softmax": {name: round(statistics.median(ratios[name]), 3) for name in seen},
        "rounds": len(seen["softmax"]),
        "tokens": tokens,
        "precision": recipe.precision,
        "machine": machine_facts(),
    }


def table(result: dict[str, Any]) -> Table:
    shown = Table("variant", "tokens/s", "time ÷ softmax")
    for name, speed in result["tokens_per_second"].items():
        shown.add_row(name, f"{speed:,.0f}", f"{result['seconds_per_step_over_softmax'][name]:.2f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="replace the zoo's speed.json")
    asked = parser.parse_args()
    if asked.steps < 1:
        parser.error(f"--steps is {asked.steps}; it must be at least 1")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        runs = opened_runs(Path(scratch))
        result = summary(runs, step_seconds(runs, asked.steps))
    Console().print(table(result))
    if asked.write:
        write_json(zoo.HERE / SPEED, result)


if __name__ == "__main__":
    main()
