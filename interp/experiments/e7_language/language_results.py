"""What is drawn of E7: losses against compute, the sweep of rates, and what training costs."""

from collections.abc import Mapping
from dataclasses import replace

from headscope.interp.arms.arm_points import arm_points
from headscope.interp.arms.arms import arm_curves, arm_numbers, arms, sample_curves
from headscope.interp.arms.by_budget import at_largest_budget, budgets_of, samples_by_budget
from headscope.interp.arms.outcome import Outcome
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "arXiv 2411.07176 (Cog), 2407.18601 (expressive), 2411.12892 (selective), 2410.18613 (polynomial)"
LOSS = About(
    title="Held-out loss at the largest budget",
    unit="nats per token",
    law="mean of −log p(next token) over the same windows of held-out text",
    source=SOURCE,
    plain="How well each model predicts text that it has not seen; lower is better.",
)
BY_BUDGET = replace(
    LOSS,
    title="Held-out loss by budget",
    plain="What each arm reaches in so many steps: every point is a training of its own, whose rate falls to 0 there.",
)
BY_TIME = replace(
    LOSS,
    title="Held-out loss by CPU time",
    law=f"{LOSS.law}; across: steps of the training times the median CPU time of three of its steps",
    plain="The same trainings by what they cost in this code on one core; lower and further left is better.",
)
BY_RATE = About(
    title="Loss by rate, on another seed",
    unit=LOSS.unit,
    law="the same mean over windows of the other half of the held-out text, of a training of one budget and a seed "
    "that no trial has",
    source="headscope",
    plain="By what each arm's rate was chosen: the lowest point of its curve; a gap is a training that diverged.",
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


def results(outcome: Outcome) -> Mapping[str, Result]:
    """The losses by budget, by CPU time, in the end and by rate, and what training costs."""
    by_arm, in_the_end = (arms(part, "variant") for part in (outcome, at_largest_budget(outcome)))
    losses = samples_by_budget(by_arm, "loss")
    return {
        "loss_by_budget": sample_curves(losses, budgets_of(outcome), BY_BUDGET, "steps", log_x=True),
        "loss_by_time": arm_points(by_arm, "cpu_seconds", "loss", BY_TIME, "CPU seconds of training", LOSS.unit),
        "loss": arm_numbers(in_the_end, "loss", LOSS),
        "loss_by_rate": arm_curves(by_arm, "rate_losses", outcome.first("rates"), BY_RATE, "rate", log_x=True),
        "speed": arm_numbers(in_the_end, "tokens_per_second", SPEED),
        "memory": arm_numbers(in_the_end, "bytes_per_token", MEMORY),
    }
