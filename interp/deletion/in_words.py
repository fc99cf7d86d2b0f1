"""Deletion in words: whether a head raises or lowers what it reads, from its net copying beside its null."""

from headscope.interp.deletion.quadrants import QUADRANTS, Quadrants
from headscope.interp.results.head_score import head_name
from headscope.interp.results.nulls import is_near_null


def deletion_in_words(result: Quadrants, layer: int, head: int) -> str:
    """One or two sentences on a head: does it copy or delete beyond chance, and by its weights or its OV circuit?"""
    value, null, spread = (
        float(field[layer, head]) for field in (result.net_copy, result.net_copy_null, result.net_copy_null_spread)
    )
    name = head_name(layer, head)
    if value != value:
        return f"{name} contributes nothing to the logits of what it reads."
    verb = "raises" if value > 0.5 else "lowers"
    chance = f"by chance {percent(null if value > 0.5 else 1 - null)} ± {percent(spread)}"
    text = f"{name} {verb} the logits of the tokens that it reads with {percent(max(value, 1 - value))} of what it does"
    if spread == 0 and abs(value - null) < 1e-6:
        return f"{text}; all by its OV circuit: its weights have one sign."
    if is_near_null(value, null, spread):
        return f"{text}; with signs dealt anew it would do so, too ({chance})."
    most = int(result.share[layer, head].argmax())
    return f"{text} ({chance}); most of it is {QUADRANTS[most]} ({percent(float(result.share[layer, head, most]))})."


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f} %"
