"""In words: what an intervention does, and what it changed, as a sentence would say it."""

from headscope.interp.interventions.effect import InterventionEffect
from headscope.interp.interventions.elsewhere import LossElsewhere
from headscope.interp.interventions.intervention import Intervention

DEEDS = {
    "keep_positive": "keep the positive weights of {}",
    "keep_negative": "keep the negative weights of {}",
    "absolute": "take the absolute value of {}",
    "flip": "flip {}",
    "zero": "zero {}",
    "scale": "scale {} by {:g}",
    "set": "set {} to {:g}",
}


def edit_in_words(edit: Intervention) -> str:
    """As in "flip the whole head L2H3"."""
    return DEEDS[edit.kind].format(place_in_words(edit), edit.value)


def place_in_words(edit: Intervention) -> str:
    """Which weights are edited."""
    head = f"all heads of layer {edit.layer}" if edit.head is None else f"L{edit.layer}H{edit.head}"
    parts = {"row": edit.query, "key": edit.key}
    cells = " and ".join(f"{name} {index}" for name, index in parts.items() if index is not None)
    if cells:
        return f"{cells} of {head}"
    return head if edit.head is None else f"the whole head {head}"


def effect_in_words(effect: InterventionEffect, answer: str, elsewhere: LossElsewhere | None = None) -> str:
    """The change of the loss in nats a token, where it is known, and how many of the likeliest answers are others.

    answer: what the model answers with at a position. elsewhere: what the same edits change at other heads.
    """
    others, count = int(effect.changed.sum()), len(effect.changed)
    if count > 1:
        words = f"{others} of {count} {answer}s differ"
    else:
        words = f"the likeliest {answer} {'differs' if others else 'stays'}"
    loss = float(effect.loss_change.nanmean())
    if loss != loss:
        return words
    null = f" (at other heads {elsewhere.mean:+.3f} ± {elsewhere.spread:.3f})" if elsewhere and elsewhere.places else ""
    return f"loss {loss:+.3f} nats{null} · {words}".replace("-", "−")
