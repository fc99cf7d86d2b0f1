"""E7: each variant is at least as good as softmax on language, at equal size and equal tokens."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from headscope.interp.arms.arms import arm_curves, arm_numbers, arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import Verdict, noninferiority_answer, pair_with_spread
from headscope.interp.experiments.e7_language.language_models import (
    SIZES,
    LanguageSize,
    language_model,
    language_recipe,
    language_trials,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.kept_for_backward import bytes_kept
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.fitting.fit import update
from headscope.models.fitting.history import read_history
from headscope.models.training.run import open_run

SOURCE = "arXiv 2411.07176 (Cog), 2407.18601 (expressive), 2411.12892 (selective), 2410.18613 (polynomial)"
TIMED_STEPS = 3
MARGIN = 0.03  # nats per token, about one percent
LOSS = About(
    title="Held-out loss after training",
    unit="nats per token",
    law="mean of −log p(next token) over the same held-out windows",
    source=SOURCE,
    plain="How well each model predicts text that it has not seen; lower is better.",
)
SPEED = About(
    title="Training speed",
    unit="tokens per second of CPU time",
    law="tokens of a step over the median CPU time of three steps, forward and backward",
    source="headscope",
    plain="How many tokens a second of one core trains on.",
)
MEMORY = About(
    title="Memory kept for the backward pass",
    unit="bytes per token",
    law="bytes of all tensors that autograd keeps in one step, over the step's tokens",
    source="headscope",
    plain="How much each token of a training step holds on to until its gradients are known.",
)


def measure(trial: Trial, size: LanguageSize, place: Place, watch: Watch) -> Numbers:
    """Train, then read the losses on the way, and time steps of a fresh model."""
    history = read_history(language_model(trial, size, place, watch) / "history.jsonl")
    validated = [record for record in history if "validation_loss" in record]
    return {
        "validation_loss": validated[-1]["validation_loss"],
        "steps": [record["step"] for record in validated],
        "losses": [record["validation_loss"] for record in validated],
        **cost(trial, size),
    }


def cost(trial: Trial, size: LanguageSize) -> Numbers:
    """Tokens per second of CPU time, and bytes kept per token, of the first steps of a fresh model."""
    tokens = size.batch * size.context
    with TemporaryDirectory() as scratch:
        run = open_run(language_recipe(trial, size), Path(scratch) / "run").fitting
        kept = bytes_kept(lambda: update(run, 0))
        seconds = []
        for step in range(1, TIMED_STEPS + 1):
            began = process_time()
            update(run, step)
            seconds.append(process_time() - began)
    return {"tokens_per_second": tokens / median(seconds), "bytes_per_token": kept / tokens}


def judge(outcome: Outcome) -> list[Verdict]:
    """A claim per variant: its loss is not above softmax's by more than a margin."""
    by_arm = arms(outcome, "variant")
    softmax = by_arm["softmax"].sample("validation_loss")
    verdicts = []
    for variant, part in by_arm.items():
        if variant != "softmax":
            loss = part.sample("validation_loss")
            ours = f"{pair_with_spread(loss, softmax, digits=4)} nats per token"
            claim = f"{variant} attention reaches a loss at most {MARGIN} above softmax's"
            curves = by_arm["softmax"].sample("losses"), part.sample("losses")
            answer = noninferiority_answer(softmax, loss, MARGIN)
            answer = budget_answer(answer, lead_by_steps(outcome.first("steps"), *curves, -MARGIN))
            verdicts.append(Verdict(claim, PAPER[variant], ours, answer, f"{variant} as good as softmax"))
    return verdicts


PAPER = {
    "cog": "lower perplexity at 141 M",
    "expressive": "at least as good on its tasks",
    "selective": "lower perplexity, up to 3 %",
    "polynomial": "comparable or better",
}


def results(outcome: Outcome) -> Mapping[str, Result]:
    """The final losses, the losses on the way, and what training costs."""
    by_arm = arms(outcome, "variant")
    steps = outcome.first("steps")
    on_the_way = arm_curves(by_arm, "losses", steps, replace(LOSS, title="Held-out loss through training"), "step")
    return {
        "loss": arm_numbers(by_arm, "validation_loss", LOSS),
        "loss_by_step": on_the_way,
        "speed": arm_numbers(by_arm, "tokens_per_second", SPEED),
        "memory": arm_numbers(by_arm, "bytes_per_token", MEMORY),
    }


EXPERIMENT = Experiment(
    name="E7",
    title="Does each variant model language at least as well as softmax?",
    source=SOURCE,
    sizes=SIZES,
    trials=language_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="The recipes of the shipped models with another number of steps and other seeds: the same text, the same "
    "order of windows within a seed, nothing tuned for one variant. Every run ends after the steps of its size; "
    "2 % of the documents are held out. Speeds were taken while other work ran beside: they compare less well than "
    "those of the shipped models' table. The papers' models are larger and train longer, and so do the shipped ones, "
    "one of each: what is ahead after few steps need not stay ahead.",
)
