"""The claims of E1 and the rules by which they are answered, fixed before any model was looked at."""

from headscope.interp.arms.margin import SHARE, Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    all_of,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)

SOLVED = 0.9
TURNED = Margin(0.2, "half of the weakest weight that the paper reports, −.4")
DECISION = SHARE
DECIDES = Floor(0.0, "a decision less its null", "signs dealt anew decide as much")


def judge(outcome: Outcome) -> list[Verdict]:
    """Both solve the task; which weights delete; who decides."""
    softmax, cog = (outcome.where(variant=name) for name in ("softmax", "cog"))
    negative_heads = [softmax_deletes(softmax), cog_deletes(cog)]
    return [solved(softmax, cog), *negative_heads, dynamic(cog), static(softmax, cog)]


def solved(softmax: Outcome, cog: Outcome) -> Verdict:
    """Both are above the bound."""
    both = [item.sample("accuracy") for item in (cog, softmax)]
    return Verdict(
        f"Both models name the indirect object in more than {SOLVED:.0%} of the stories of held-out pairs",
        "both solve the task",
        against(cog, softmax, "accuracy"),
        all_of([bound_answer(item, above=SOLVED) for item in both]),
        "both solve the task",
    )


def softmax_deletes(softmax: Outcome) -> Verdict:
    """Its weight is positive by construction, so the claim is that it is large."""
    weight = softmax.sample("weight")
    return Verdict(
        "Softmax's strongest negative head deletes through OV: it attends to the deleted name with more than .5",
        "weights of .5 to .95",
        f"weight {mean_with_spread(weight)}, contribution {mean_with_spread(softmax.sample('effect'))}",
        bound_answer(weight, above=0.5),
        "softmax deletes by OV",
    )


def cog_deletes(cog: Outcome) -> Verdict:
    """Its weight is negative where it copies at positive weights, or the other way round."""
    relative, trained = cog.sample("relative_weight"), cog.sample("weight")
    return Verdict(
        "Cog's strongest negative head deletes through its weights: negative on the deleted name where what it copies "
        "has positive ones",
        "weights of −.4 to −.88",
        f"weight {mean_with_spread(relative)} (as trained {mean_with_spread(trained)}), "
        f"contribution {mean_with_spread(cog.sample('effect'))}",
        bound_answer(relative, below=0.0, margin=TURNED),
        "Cog deletes by its weights",
    )


def dynamic(cog: Outcome) -> Verdict:
    """That one decision is larger than the other; signs dealt at random make dynamic the larger too: see the nulls."""
    both, nulls = ([cog.sample(f"{name}{null}") for name in ("dynamic", "static")] for null in ("", "_null"))
    beyond = [decision - null for decision, null in zip(both, nulls, strict=True)]
    return Verdict(
        "In Cog the sign of the weights decides between copying and deletion more than that of the OV circuit: "
        "dynamic above static",
        "deletion moves to QK",
        f"{pair_with_spread(*both)}; with signs dealt anew {pair_with_spread(*nulls)}",
        measurable_answer(superiority_answer(both[0], both[1], DECISION), beyond, DECIDES),
        "dynamic above static in Cog",
    )


def static(softmax: Outcome, cog: Outcome) -> Verdict:
    """The other half of the move, which nothing settles beforehand."""
    return Verdict(
        "In Cog the sign of the OV circuit decides less",
        "deletion moves away from OV",
        against(cog, softmax, "static"),
        superiority_answer(softmax.sample("static"), cog.sample("static"), DECISION),
        "Cog's OV decides less",
    )


def against(cog: Outcome, softmax: Outcome, number: str) -> str:
    """A number of both."""
    return f"Cog {mean_with_spread(cog.sample(number))}, softmax {mean_with_spread(softmax.sample(number))}"
