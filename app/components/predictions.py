"""Predictions: what the model expects after the chosen token, as bars, beside the token that came."""

from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.app.drawings.source import drawing_text
from headscope.interp.heads.attention_run import AttentionRun

_mount = component(
    "headscope_predictions",
    html='<div class="predictions"><ol></ol><p class="actual"></p></div>',
    css=source_text("predictions.css"),
    js=drawing_text("token_text.js") + source_text("predictions.js"),
)


def predictions(run: AttentionRun, row: int) -> None:
    """Draw the likeliest tokens after position `row` of the prompt, or at its mask, or the likeliest classes."""
    likely, tokens = run.predictions, run.tokens
    if not tokens.answers_by_position:
        one_answer(run)
        return
    names = [run.prediction_strings[i] for i in likely.ids[row].tolist()]
    is_last = row == len(tokens) - 1
    actual = None
    if not is_last and tokens.is_continued:
        actual = {
            "token": tokens.strings[row + 1],
            "probability": float(likely.actual_probability[row]),
            "rank": int(likely.actual_rank[row]) + 1,
        }
    after = {"position": row, "token": tokens.strings[row]}
    likeliest = list(zip(names, likely.probabilities[row].tolist(), strict=True))
    words = {} if tokens.is_continued else {"end": "These are answers, not the tokens that come next."}
    _mount(key="predictions", data={"after": after, "likeliest": likeliest, "actual": actual, "said": words})


def one_answer(run: AttentionRun) -> None:
    """Draw the likeliest classes, beside the one that the image shows, or the likeliest tokens at the mask."""
    likely, image = run.predictions, run.tokens
    names = [run.prediction_strings[i] for i in likely.ids[0].tolist()]
    likeliest = list(zip(names, likely.probabilities[0].tolist(), strict=True))
    actual = None
    for label in image.known_answers:
        probability, rank = float(likely.actual_probability), int(likely.actual_rank) + 1
        actual = {"token": run.prediction_strings[label], "probability": probability, "rank": rank}
    after = {"position": image.read_out, "token": image.strings[image.read_out]}
    words = {"came": "It is", "end": image.unknown_answer}
    _mount(key="predictions", data={"after": after, "likeliest": likeliest, "actual": actual, "said": words})
