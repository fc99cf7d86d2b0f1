"""New tokens: what a model wrote after a prompt, a line for each token with its row of a head as a strip."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from streamlit.components.v2 import component
from torch import Tensor

from headscope.app.components.answers import answer_callback
from headscope.app.components.source import source_text
from headscope.app.drawings.open_head import OpenHead
from headscope.app.drawings.source import drawing_text
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.signed_max_pool import signed_max_pool_of_row
from headscope.interp.interventions.continuation import Continuation
from headscope.models.io.fields import Fields

CELLS = 192  # of a strip: blocks of longer rows keep their strongest weight
TAIL = 12  # tokens of the prompt that are shown before the new ones
_mount = component(
    "headscope_new_tokens",
    html='<div class="written"><p></p><ol></ol></div>',
    css=source_text("new_tokens.css"),
    js=drawing_text("signed_colours.js", "token_text.js") + source_text("new_tokens.js"),
)


@dataclass(frozen=True)
class Look:
    """The end of the colour range, and the number of the token at which this text parts from another, if it does."""

    peak: float
    differs: int | None


def new_token_list(
    result: Continuation,
    run: AttentionRun,
    head: OpenHead,
    look: Look,
    *,
    key: str,
    chosen: int | None,
    on_token: Callable[[int], None],
) -> None:
    """Draw the new tokens of a run over the prompt and them. on_token: called with the position of the chosen one."""
    first, strings = len(result.prompt_ids), run.tokens.strings
    places = range(first, len(strings))
    rows = [drawn_row(run.weights(head.layer, head.head, slice(at, at + 1))[0], at) for at in places]
    probabilities = result.log_probability.exp().tolist()
    lines = [
        {"at": at, "token": strings[at], "probability": share, "looks": strings[row["key"]], **row}
        for at, share, row in zip(places, probabilities, rows, strict=True)
    ]
    data = {
        "before": "".join(("…" if first > TAIL else "", *strings[max(0, first - TAIL) : first])),
        "lines": lines,
        "range": look.peak or 1.0,
        "differs": look.differs,
        "chosen": chosen,
        "ends": result.ends,
    }

    def answer(choice: Fields) -> None:
        on_token(max(0, min(int(choice["at"]), len(run.tokens) - 1)))

    _mount(key=key, data=data, on_token_change=answer_callback(key, "token", answer))


def drawn_row(weights: Float[Tensor, "key"], at: int) -> Fields:
    """A row up to its own token: its cells, pooled where there are many, and its strongest key with its weight."""
    row = weights[: at + 1]
    key = int(row.abs().argmax())
    cells = signed_max_pool_of_row(row, CELLS).tolist()
    return {"cells": [round(cell, 4) for cell in cells], "key": key, "weight": float(row[key])}
