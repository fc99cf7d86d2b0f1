"""Pattern panel: a head's weights as a figure with its table, meaning and code, to be saved; drawn when asked for."""

import streamlit as st

from headscope.app.figure.code import asked_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.page import OpenPrompt
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.head_pattern import head_pattern

MOST_TOKENS = 1024
EDITING = """from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.touched_run import editing_hooks
"""


def pattern_figure(opened: OpenPrompt, run: AttentionRun, head: OpenHead, key: str, edits: str = "") -> None:
    """A switch, and below it the figure. edits: the Python of hooks that changed the run, as an argument of it."""
    if not st.toggle("As a figure to save", key=f"{key}_open", bind="query-params"):
        return
    if len(run.tokens) > MOST_TOKENS:
        st.caption(
            f"A figure holds every weight, and {len(run.tokens):,} {opened.words.tokens} are too many: at most "
            f"{MOST_TOKENS:,}. The heatmap above shows all of them."
        )
        return
    result = head_pattern(run, opened.facts, head.layer, head.head)
    hooks = EDITING if edits else ""
    code = f"""from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_pattern import head_pattern
{hooks}{asked_code(opened)}
run = attention_run(model, asked.prompts[0]{edits})
head_pattern(run, asked.setting.facts, {head.layer}, {head.head}).figure()"""
    figure_panel(result.about.title, result, code, key=key)
