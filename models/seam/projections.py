"""Projections: the linear parts of an attention module that make queries, keys, values and output, where apart."""

from torch import nn

NAMES = {
    "q": ("q_proj", "q_b_proj", "query", "wq", "Wq", "q_lin"),
    "k": ("k_proj", "key", "wk", "Wk", "k_lin"),
    "v": ("v_proj", "value", "wv", "Wv", "v_lin"),
    "o": ("o_proj", "out_proj", "c_proj", "dense", "wo", "out_lin", "output", "Wo"),
}


def projections(module: nn.Module, widths: dict[str, int]) -> dict[str, str]:
    """Letter -> attribute, of those projections that a module has under a usual name and of the right width.

    widths: of queries, keys and values together over all heads, under q, k and v; that of z, which o reads, under o.
    """
    result: dict[str, str] = {}
    for letter, names in NAMES.items():
        for name in names:
            part = getattr(module, name, None)
            width = getattr(part, "in_features" if letter == "o" else "out_features", None)
            if isinstance(part, nn.Module) and width == widths[letter]:
                result[letter] = name
                break
    return result
