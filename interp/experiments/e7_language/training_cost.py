"""What training costs: tokens per second of CPU time, and what autograd keeps, of the first steps of a fresh model."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from headscope.interp.arms.trial import Numbers
from headscope.interp.experiments.engine.kept_for_backward import bytes_kept
from headscope.models.fitting.fit import update
from headscope.models.training.recipe import Recipe
from headscope.models.training.run import open_run

TIMED_STEPS = 3


def training_cost(recipe: Recipe) -> Numbers:
    """Tokens per second of CPU time, bytes kept per token, and CPU seconds of the whole training at that speed."""
    tokens = recipe.batch * int(recipe.data["context"])
    with TemporaryDirectory() as scratch:
        run = open_run(recipe, Path(scratch) / "run").fitting
        kept = bytes_kept(lambda: update(run, 0))
        seconds = []
        for step in range(1, TIMED_STEPS + 1):
            began = process_time()
            update(run, step)
            seconds.append(process_time() - began)
    return {
        "tokens_per_second": tokens / median(seconds),
        "bytes_per_token": kept / tokens,
        "cpu_seconds": recipe.steps * median(seconds),
    }
