"""File names: what transformers calls a parameter in files, where that is not what it calls it in the model."""

import re
from collections.abc import Iterable

DINOV2 = (
    (r"\.attention\.o_proj\.", ".attention.output.dense."),
    (r"\.attention\.q_proj\.", ".attention.attention.query."),
    (r"\.attention\.k_proj\.", ".attention.attention.key."),
    (r"\.attention\.v_proj\.", ".attention.attention.value."),
)
# Family -> patterns of a parameter's name and what stands there in files, all applied in order.
OLDER: dict[str, tuple[tuple[str, str], ...]] = {
    "gpt_neox": ((r"^lm_head\.weight$", "embed_out.weight"),),
    **dict.fromkeys(("dinov2", "dinov2_with_registers"), DINOV2),
    "vit": (
        (r"^vit\.layers\.", "vit.encoder.layer."),
        (r"\.attention\.o_proj\.", ".attention.output.dense."),
        (r"\.q_proj\.", ".attention.query."),
        (r"\.k_proj\.", ".attention.key."),
        (r"\.v_proj\.", ".attention.value."),
        (r"\.mlp\.fc1\.", ".intermediate.dense."),
        (r"\.mlp\.fc2\.", ".output.dense."),
    ),
}


def names_in_files(model_type: str, names: Iterable[str]) -> dict[str, str]:
    """Parameter name -> its name in files, of those parameters that have another there."""
    renamed = {name: older(name, OLDER.get(model_type, ())) for name in names}
    return {name: in_file for name, in_file in renamed.items() if in_file != name}


def older(name: str, patterns: Iterable[tuple[str, str]]) -> str:
    """The name after every pattern."""
    for pattern, replacement in patterns:
        name = re.sub(pattern, replacement, name)
    return name
