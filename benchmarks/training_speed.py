"""How fast each shipped model trains: tokens per second of CPU time, and beside plain transformers in the same run.

    python benchmarks/training_speed.py [--steps 8] [--write]

The recipes of the zoo take turns, one training step each (the same batch of tokens); one thread, medians over the
steps after a warm-up. CPU seconds, so that a busy machine changes little. --write puts the result into the zoo's
speed.json, from which `headscope zoo` and the table of the docs take it. The peer is the same model as transformers
makes it, with scaled_dot_product_attention, under the same recipe. Ends with 1 where one of the first five variants
trains at less than 0.95 of the peer's tokens per second.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from measuring import against, print_tables
from rich.progress import track
from rich.table import Table
from transformers import AutoModelForCausalLM

from headscope.models import zoo
from headscope.models.fitting.fit import Fitting, fitting_of, update
from headscope.models.fitting.machine import machine_facts
from headscope.models.hosts.untrained import untrained_config
from headscope.models.io.json_file import write_json
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.run import Run, open_run
from headscope.models.training.shipped import SPEED, shipped_models

PLAIN, MOST = "plain transformers", 1 / 0.95  # of the peer's time: .95 of its tokens per second


def opened_runs(scratch: Path) -> dict[str, Run]:
    """The recipes of the shipped models of text, one per mechanism, as new runs of one number format."""
    names = [model.name for model in shipped_models() if model.name not in zoo.LONGER]
    recipes = {name: read_recipe(zoo.HERE / name / "recipe.toml") for name in names}
    return {name: open_run(replace(recipe, precision="float32"), scratch / name) for name, recipe in recipes.items()}


def plain_fitting(run: Run, folder: Path) -> Fitting:
    """The training of a run's model as transformers makes it."""
    config = untrained_config(run.recipe.model, run.material.decides)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa")
    return fitting_of(model, run.fitting.objective, run.recipe.plan, folder, run.fitting.accelerator)


def step_seconds(fittings: dict[str, Fitting], steps: int) -> dict[str, list[float]]:
    """CPU seconds of each step of each training; they take turns, and the first round warms up."""
    seen: dict[str, list[float]] = {name: [] for name in fittings}
    for step in track(range(steps + 1), "steps"):
        for name, fitting in fittings.items():
            began = time.process_time()
            update(fitting, step)
            if step:
                seen[name].append(time.process_time() - began)
    return seen


def ratios_over(peer: str, seen: dict[str, list[float]]) -> dict[str, float]:
    """The median over rounds of each one's seconds over the peer's."""
    return {
        name: statistics.median(own / base for own, base in zip(seconds, seen[peer], strict=True))
        for name, seconds in seen.items()
    }


def summary(run: Run, seen: dict[str, list[float]]) -> dict[str, Any]:
    """What speed.json holds of the shipped models."""
    shipped = {name: seconds for name, seconds in seen.items() if name != PLAIN}
    tokens = run.fitting.objective.per_step
    return {
        "tokens_per_second": {name: round(tokens / statistics.median(shipped[name]), 1) for name in shipped},
        "seconds_per_step_over_softmax": {
            name: round(ratio, 3) for name, ratio in ratios_over("softmax", shipped).items()
        },
        "rounds": len(seen[PLAIN]),
        "tokens": tokens,
        "precision": run.recipe.precision,
        "machine": machine_facts(),
    }


def table(result: dict[str, Any], over_plain: dict[str, float]) -> Table:
    shown = Table("variant", "tokens/s", "time ÷ softmax", "time ÷ plain transformers")
    for name, speed in result["tokens_per_second"].items():
        ratio, bar = f"{result['seconds_per_step_over_softmax'][name]:.2f}", MOST if name in zoo.TEXT else None
        shown.add_row(name, f"{speed:,.0f}", ratio, against(over_plain[name], bar))
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
        fittings = {name: run.fitting for name, run in runs.items()}
        fittings[PLAIN] = plain_fitting(runs["softmax"], Path(scratch) / "plain")
        seen = step_seconds(fittings, asked.steps)
        result = summary(runs["softmax"], seen)
    if asked.write:
        write_json(zoo.HERE / SPEED, result)
    sys.exit(print_tables([table(result, ratios_over(PLAIN, seen))]))


if __name__ == "__main__":
    main()
