"""What a step of training costs: CPU time in turn with softmax, and what autograd keeps."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from headscope.interp.arms.trial import Numbers, Trial
from headscope.interp.experiments.e8_mechanisms.mechanism_models import BASE, MechanismSize, mechanism_recipe
from headscope.interp.experiments.engine.kept_for_backward import bytes_kept
from headscope.models.fitting.fit import Fitting, update
from headscope.models.training.run import open_run


def costs(trial: Trial, size: MechanismSize) -> Numbers:
    """Tokens per second of CPU time, its ratio to softmax's time, and bytes kept per token, of fresh models.

    The trial's model and softmax's take turns, one step each on the same windows, after a step that warms both up; the
    ratio is the median over rounds, so that other work on the machine weighs on both alike.
    """
    tokens = size.batch * size.context
    with TemporaryDirectory() as scratch:
        base = Trial({"variant": BASE}, trial.seed)
        runs = [
            open_run(mechanism_recipe(item, size), Path(scratch) / name).fitting
            for name, item in (("base", base), ("own", trial))
        ]
        update(runs[0], 0)
        kept = bytes_kept(lambda: update(runs[1], 0))
        rounds = [[step_seconds(run, step) for run in runs] for step in range(1, size.timed + 1)]
    return {
        "tokens_per_second": tokens / median(own for _, own in rounds),
        "time_over_softmax": median(own / base for base, own in rounds),
        "bytes_per_token": kept / tokens,
    }


def step_seconds(run: Fitting, step: int) -> float:
    """CPU seconds of one step."""
    began = process_time()
    update(run, step)
    return process_time() - began
