"""Predictions: what the model expects after the chosen token, as bars, beside the token that came."""

from streamlit.components.v2 import component

from app.components.source import source
from interp.attention_run import AttentionRun

_mount = component(
    "headscope_predictions",
    html='<div class="predictions"><ol></ol><p class="actual"></p></div>',
    css=source("predictions.css"),
    js=source("token_text.js", "predictions.js"),
)


def predictions(run: AttentionRun, row: int) -> None:
    """Draw the likeliest tokens after position `row` of the prompt."""
    likely, tokens = run.predictions, run.tokens
    names = [run.prediction_strings[i] for i in likely.ids[row].tolist()]
    is_last = row == len(tokens.ids) - 1
    actual = None
    if not is_last:
        actual = {
            "token": tokens.strings[row + 1],
            "probability": float(likely.actual_probability[row]),
            "rank": int(likely.actual_rank[row]) + 1,
        }
    after = {"position": row, "token": tokens.strings[row]}
    likeliest = list(zip(names, likely.probabilities[row].tolist(), strict=True))
    _mount(key="predictions", data={"after": after, "likeliest": likeliest, "actual": actual})
