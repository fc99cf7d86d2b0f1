"""What a mechanism beyond softmax buys: the open model with it and without, head by head, computed when asked for."""

import streamlit as st

from headscope.app.figure.code import analysis_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.analysis_choices import choices_for
from headscope.app.frame.left_out import left_out
from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.interp.mechanisms.compare import MechanismComparison

NAME, TITLE = "mechanism", "What a mechanism buys"


def mechanism_panel(opened: OpenPrompt) -> None:
    """The choice of a mechanism, what all heads together lose without it, and what each one does."""
    if left_out(opened, NAME, TITLE):
        return
    choices = choices_for(opened, NAME)
    result = analysis_when_asked(opened, NAME, f"Run every head without its {choices.without}", choices)
    if isinstance(result, MechanismComparison):
        st.markdown(whole_sentence(result))
        figure_panel(
            f"Heads without {result.without}",
            result,
            analysis_code(opened, NAME, choices),
            key=f"mechanism_{result.without}",
            field="loss_change",
        )


def whole_sentence(result: MechanismComparison) -> str:
    """What the whole model loses, in one line."""
    change, kl = float(result.whole_loss_change), float(result.whole_kl)
    words = f"KL {kl:.3f} nats" if change != change else f"the loss changes by **{change:+.3f}** nats, KL {kl:.3f}"
    return f"With “{result.without}” taken out of all heads: {words}."
