"""The panel of a score: why the open head looks from the chosen row at one of the tokens that it sees."""

import streamlit as st

from headscope.app.figure.code import asked_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import Cell, ScoreParts, leading_pairs

MOST_PAIRS = 5


def score_panel(opened: OpenPrompt, run: AttentionRun, head: OpenHead, row: int) -> None:
    """The score of one cell by the parts of its query and key, computed when asked for; its heads are a click away."""
    words = opened.facts.words
    with st.container(border=True):
        if not st.toggle("Why does this head look there?", key="score_open", bind="query-params"):
            return
        weights = run.weights(head.layer, head.head, slice(row, row + 1))[0]
        keys = run.visible_of(head.layer, slice(row, row + 1))[0].nonzero().flatten().tolist()
        if not keys:
            st.caption(f"The chosen row sees no {words.token}.")
            return
        strings = opened.tokens.strings
        key = st.selectbox(
            f"{words.token.capitalize()} that it looks at",
            sorted(keys, key=lambda at: -abs(float(weights[at]))),
            key="score_key",
            format_func=lambda at: f"{strings[at]!r} at {at}: weight {float(weights[at]):.3f}",
        )
        show_score(opened, Cell(head.layer, head.head, row, keys[0] if key is None else key))


def show_score(opened: OpenPrompt, cell: Cell) -> None:
    """The figure of a cell, and buttons that open the heads of its leading pairs."""

    def compute(model: HookedModel, watch: object) -> ScoreParts:
        return score_parts(model, opened.tokens, cell)

    result = shared_result(opened, ("score parts", opened.key.prompt, opened.key.bos, cell), compute)
    pairs = leading_pairs(result, MOST_PAIRS)
    if pairs:
        st.markdown(" · ".join(f"{query} × {key} **{score:+.2f}**" for query, key, score in pairs))
        st.caption(
            "What lies more than two spreads from the same pair at other positions that the row sees: query × key."
        )
    else:
        st.caption("No pair of parts is further than two spreads from what it is at other positions that the row sees.")
    heads = dict.fromkeys(name for query, key, _ in pairs for name in (query, key) if "H" in name)
    with st.container(horizontal=True):
        for name in heads:
            layer, at = map(int, name[1:].split("H"))
            st.button(f"Open {name}", key=f"score_{name}", on_click=write_open_head, args=(OpenHead(layer, at),))
    figure_panel(
        "Score by parts",
        result,
        f"""from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import cell_of
{asked_code(opened)}
score_parts(model, asked.prompts[0], cell_of("{result.cell}")).figure()""",
        key="score",
        field="part",
    )
