"""In words: what an intervention does, as a sentence would say it."""

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
