"""What an architecture adds to queries, keys and a mask is refused by name: a variant would lose it."""

from collections.abc import Iterable, Mapping

from torch import nn

from headscope.models.seam.handed_part import handed_part

# What a call's keywords may hold without touching the scores; a window is checked against the mask.
HARMLESS = (
    "cache_position",
    "deterministic",
    "input_parts",
    "labels",
    "logits_to_keep",
    "need_pattern",
    "num_items_in_batch",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "position_ids",
    "return_dict",
    "special_tokens_mask",
    "temperature_q",
    "token_type_ids",
    "use_cache",
    "visible_count",
)


def refuse_unknown_keywords(keywords: Mapping[str, object], known: Iterable[str] = ()) -> None:
    """Raise ValueError for a keyword of an attention call that is not None and may change its scores."""
    unknown = [name for name, value in keywords.items() if value is not None and name not in (*HARMLESS, *known)]
    if unknown:
        raise ValueError(
            f"attention was called with {unknown[0]!r}, which may change its scores and which no variant computes "
            "with: leave it out, or, where the family itself gives it, keep the model as transformers made it"
        )


def refuse_lost_window(window: int | None, masked: bool, n_key: int) -> None:
    """Raise ValueError where a sliding window is not in the mask, which is all that a variant sees of it."""
    if window is not None and not masked and n_key > window:
        raise ValueError(
            f"attention was called with sliding_window={window} for {n_key} keys and without the mask of that window"
        )


def refuse_added_parts(modules: Iterable[nn.Module]) -> None:
    """Raise ValueError for attention with learned numbers beside its projections and norms that no variant takes."""
    for module in modules:
        handed = handed_part(module)
        known = () if handed is None else handed.names
        parts = [name for name, _ in module.named_parameters(recurse=False) if name not in known]
        if parts:
            raise ValueError(
                f"the attention of a {type(module).__name__} learns {parts[0]!r} beside its projections, which no "
                "variant computes with: this model cannot carry one"
            )
