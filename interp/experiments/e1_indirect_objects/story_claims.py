"""The claims of E1 and the rules by which they are answered, fixed before any model was looked at."""

from headscope.interp.arms.margin import SHARE
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    all_of,
    bound_answer,
    mean_with_spread,
    pair_with_spread,
    superiority_answer,
)

SOLVED = 0.9


def judge(outcome: Outcome) -> list[Verdict]:
    """Both solve the task; which weights delete; who decides."""
    softmax, cog = (outcome.where(variant=name) for name in ("softmax", "cog"))
    return [solved(softmax, cog), softmax_deletes(softmax), cog_deletes(cog), dynamic(cog), static(softmax, cog)]


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
    """The sign that a head has less of deletes more than its amount makes it delete."""
    share, null = cog.sample("minority_deletion"), cog.sample("minority_deletion_null")
    return Verdict(
        "Cog's heads delete by turning the sign of their weights: of all that they delete, a larger share comes from "
        "the sign that a head has less of than with signs dealt anew",
        "negative weights, of −.4 to −.88, on the deleted name",
        f"{pair_with_spread(share, null)} with signs dealt anew",
        superiority_answer(share, null, SHARE),
        "Cog deletes by its weights",
    )


def dynamic(cog: Outcome) -> Verdict:
    """Beside signs dealt anew, which decide as well as any."""
    own, null = cog.sample("dynamic"), cog.sample("dynamic_null")
    return Verdict(
        "In Cog the sign of the weights decides between copying and deletion more than signs dealt anew: dynamic above "
        "its null",
        "deletion moves to QK",
        f"{pair_with_spread(own, null)} with signs dealt anew",
        superiority_answer(own, null, SHARE),
        "dynamic above its null in Cog",
    )


def static(softmax: Outcome, cog: Outcome) -> Verdict:
    """The other half of the move, which nothing settles beforehand."""
    return Verdict(
        "In Cog the sign of the OV circuit decides less",
        "deletion moves away from OV",
        against(cog, softmax, "static"),
        superiority_answer(softmax.sample("static"), cog.sample("static"), SHARE),
        "Cog's OV decides less",
    )


def against(cog: Outcome, softmax: Outcome, number: str) -> str:
    """A number of both."""
    return f"Cog {mean_with_spread(cog.sample(number))}, softmax {mean_with_spread(softmax.sample(number))}"
