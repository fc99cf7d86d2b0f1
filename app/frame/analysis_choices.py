"""Analysis choices: boxes for what only some analyses read, drawn for those that do."""

from pathlib import Path

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.interp.asking.choices import EMBEDDINGS, Choices
from headscope.interp.asking.table import ANALYSES
from headscope.models.checkpoints.steps import own_run
from headscope.models.io.fields import Fields

TOKEN = "One token as the model writes it, its leading space included; without one, the likeliest."


def choices_for(opened: OpenPrompt, analysis: str) -> Choices:
    """What is chosen for an analysis; nothing is drawn for one that reads none of it."""
    readers = ANALYSES[analysis].reads
    chosen: Fields = {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if "corrupt" in readers:
            chosen |= patching_boxes()
        if "embedding" in readers:
            chosen["embedding"] = embedding_box()
        if "distance" in readers:
            most = opened.facts.context - 1
            words = "Positions between query and key"
            chosen["distance"] = st.number_input(words, 0, most, 0, key="distance", bind="query-params")
        if "without" in readers and (names := opened.facts.mechanisms):
            chosen["without"] = st.segmented_control(
                "Without", names, default=names[0], required=True, key="without", bind="query-params"
            )
    if "run" in readers and (run := own_run(Path(opened.key.folder))):
        chosen["run"] = str(run)
    return Choices(**{name: value for name, value in chosen.items() if value})


def patching_boxes() -> dict[str, str]:
    """The corrupt prompt, and the tokens between which the model decides."""
    corrupt = st.text_area(
        "Corrupt prompt",
        key="corrupt",
        bind="query-params",
        help="As many tokens as the prompt, different in what decides: another name, say.",
    )
    target = st.text_input("Target token", key="patch_target", bind="query-params", help=TOKEN)
    distractor = st.text_input("Distractor token", key="patch_distractor", bind="query-params", help=TOKEN)
    return {"corrupt": corrupt, "target": target, "distractor": distractor} if corrupt else {}


def embedding_box() -> str | None:
    """What circuits read."""
    return st.segmented_control(
        "Circuits read",
        EMBEDDINGS,
        default=EMBEDDINGS[0],
        required=True,
        key="embedding",
        bind="query-params",
        help="W_E alone, or what the first MLP makes of it.",
    )
