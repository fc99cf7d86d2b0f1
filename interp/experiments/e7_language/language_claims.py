"""The claims of E7: each arm is at most a margin above softmax's loss at the largest budget, each at its own rate."""

from headscope.interp.arms.arms import arms
from headscope.interp.arms.budgets import budget_answer
from headscope.interp.arms.by_budget import budgets_of, lead_by_budgets, number_by_budget
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Verdict, noninferiority_answer, pair_with_spread
from headscope.interp.experiments.e7_language.budget_models import BASE, STILL

MARGIN = 0.03  # nats per token, about one percent
PAPER = {
    "cog": "lower perplexity at 141 M",
    "expressive": "at least as good on its tasks",
    "selective": "lower perplexity, up to 3 %",
    STILL: "lower perplexity, up to 3 %, from τ of 1.0 to 1.06",
    "polynomial": "comparable or better",
}


def judge(outcome: Outcome) -> list[Verdict]:
    """A claim per arm."""
    by_arm = arms(outcome, "variant")
    return [arm_verdict(name, part, by_arm[BASE]) for name, part in by_arm.items() if name != BASE]


def arm_verdict(arm: str, own: Outcome, base: Outcome) -> Verdict:
    """The claim at the largest budget, beside the same at all others."""
    loss, softmax = (number_by_budget(part, "loss") for part in (own, base))
    lead = lead_by_budgets(budgets_of(base), softmax, loss, -MARGIN)
    return Verdict(
        f"{arm} attention reaches a loss at most {MARGIN} above softmax's",
        PAPER[arm],
        f"{pair_with_spread(loss[:, -1], softmax[:, -1], digits=4)} nats per token",
        budget_answer(noninferiority_answer(softmax[:, -1], loss[:, -1], MARGIN), lead),
        f"{arm} as good as softmax",
    )
