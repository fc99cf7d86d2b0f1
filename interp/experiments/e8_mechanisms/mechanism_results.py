"""What is drawn of E8: what each variant buys, its losses, its costs, and its heads through training."""

from collections.abc import Mapping
from dataclasses import replace

from headscope.interp.arms.arm_gains import arm_gains
from headscope.interp.arms.arms import arm_curves, arm_numbers, arms
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e8_mechanisms.mechanism_models import BASE
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "headscope; the paper of each variant stands in the table of variants"
LOSS = About(
    title="Held-out loss after training",
    unit="nats per token",
    law="mean of −log p(next token) over the same held-out windows",
    source=SOURCE,
    plain="How well each model predicts text that it has not seen; lower is better.",
)
GAINS = About(
    title="What each mechanism buys, and what it costs",
    unit="nats per token below softmax",
    law="softmax's held-out loss less the variant's after equally many tokens, mean ± standard deviation over seeds; "
    "across: median over rounds of the CPU time of a step over that of softmax's",
    source=SOURCE,
    plain="Higher is a lower loss from the same text; further right is a step that takes longer.",
)
TIME = About(
    title="Time of a training step beside softmax's",
    unit="1",
    law="CPU seconds of a step, forward, backward and update, over those of softmax's step on the same windows; "
    "median over rounds in which both take turns",
    source=SOURCE,
    plain="How much longer a step takes in this code on one core.",
)
MEMORY = About(
    title="Memory kept for the backward pass",
    unit="bytes per token",
    law="bytes of all tensors that autograd keeps in one step, over the step's tokens",
    source=SOURCE,
    plain="How much each token of a training step holds on to until its gradients are known.",
)
INDUCTION = About(
    title="Induction score through training",
    unit="share",
    law="max over heads of the mean share of b = |A|/Σ|A| on the keys that followed an earlier copy of the query, on "
    "distinct random ids that stand twice",
    source="Olsson et al. 2022, In-context learning and induction heads; the detectors of this project",
    plain="How much of its weight the model's strongest induction head puts on what came next the last time.",
)
SINK = About(
    title="Weight on the first token through training",
    unit="share",
    law="mean over heads and rows of b = |A|/Σ|A| on key 0, on held-out text",
    source="Gu et al. 2024 (arXiv 2410.10781), with b for the weights",
    plain="How much of their attention heads rest on the first token, which is often a way of doing nothing.",
)
NOTHING = About(
    title="Mass that rows leave to no token",
    unit="share",
    law="mean over heads and rows of 1 − ΣA on held-out text, where rows may leave mass; 0 under every other law",
    source=SOURCE,
    plain="How much of a row is given to nothing after training: another way than a sink of doing nothing.",
)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Gains and costs, losses, and what the heads do on the way."""
    by_arm = arms(outcome, "variant")
    tokens, steps = outcome.first("tokens"), outcome.first("steps")
    chance = {name: float(outcome.first(f"{name}_chance")) for name in ("induction", "sink")}
    by_tokens = replace(LOSS, title="Held-out loss by tokens")
    with_chance = {
        name: replace(about, law=f"{about.law}; {chance[name]:.3f} by equal weights")
        for name, about in (("induction", INDUCTION), ("sink", SINK))
    }
    time = "CPU time of a step over softmax's"
    return {
        "buys": arm_gains(by_arm, BASE, "validation_loss", "time_over_softmax", GAINS, time),
        "loss": arm_numbers(by_arm, "validation_loss", LOSS),
        "loss_by_tokens": arm_curves(by_arm, "losses", tokens, by_tokens, "tokens"),
        "time": arm_numbers(by_arm, "time_over_softmax", TIME, 1.0, "softmax"),
        "memory": arm_numbers(by_arm, "bytes_per_token", MEMORY),
        "induction_by_step": arm_curves(by_arm, "induction_by_step", steps, with_chance["induction"], "step"),
        "sink_by_step": arm_curves(by_arm, "sink_by_step", steps, with_chance["sink"], "step"),
        "nothing": arm_numbers(by_arm, "nothing", NOTHING),
    }
