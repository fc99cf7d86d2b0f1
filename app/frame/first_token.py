"""First token: the switch that puts BOS before a prompt; untouched it does what the model's own tokenizer does."""

from pathlib import Path

import streamlit as st

from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.app.serving.model_source import fingerprint, modality_in
from headscope.app.serving.tokenizer_trial import refuse_aborting_tokenizer
from headscope.models.io.foreign_input import foreign_tokenizer

BOS = "bos"
SAID = {"true": True, "false": False}


def bos_switch(folder: Path | None) -> bool:
    """Draw the switch for the model of a folder; the address says what was chosen by hand, and nothing else."""
    entry = SAID.get(lasting_address_value(BOS).lower())
    usual = usual_bos(folder)
    if lasting_address_value(BOS) and entry is None:
        write_lasting(**{BOS: str(usual).lower()})
    st.session_state[BOS] = usual if entry is None else entry
    words = "Where the tokenizer has one. Untouched, it stands where the model's own tokenizer puts it."
    around = folder is not None and modality_in(folder).asks_masks
    title = "The tokenizer's own tokens around it" if around else "Begin with the BOS token"
    return st.toggle(title, key=BOS, help=words, on_change=remember_bos)


def remember_bos() -> None:
    """Put what was chosen into the address."""
    write_lasting(**{BOS: str(st.session_state[BOS]).lower()})


def usual_bos(folder: Path | None) -> bool:
    """Whether the tokenizer of a folder puts BOS first; where it cannot be opened the page says why, and this nothing.

    No folder: no model was chosen yet.
    """
    try:
        return folder is not None and puts_bos(str(folder), fingerprint(folder))
    except (ValueError, OSError):
        return False


@st.cache_data(max_entries=64, show_spinner=False)
def puts_bos(folder: str, fingerprint: str) -> bool:
    """Whether BOS comes before a text, as `analyse` has it; seen on the tokenizer alone, before the model is opened."""
    from headscope.models.checkpoints.tokenizer import folder_tokenizer
    from headscope.models.hooked.tokenizer import added_ends

    refuse_aborting_tokenizer(Path(folder))
    tokenizer = folder_tokenizer(Path(folder))
    has_ends = tokenizer is not None and modality_in(Path(folder)).asks_masks and tokenizer.cls_token_id is not None
    if tokenizer is None or (tokenizer.bos_token_id is None and not has_ends):
        return False
    with foreign_tokenizer(tokenizer, "fails on a short text"):
        return added_ends(tokenizer)[0]


def mask_of(folder: Path) -> str:
    """What the tokenizer of a folder writes for the mask; nothing where it has none, or cannot be opened."""
    try:
        return written_mask(str(folder), fingerprint(folder))
    except (ValueError, OSError):
        return ""


@st.cache_data(max_entries=64, show_spinner=False)
def written_mask(folder: str, fingerprint: str) -> str:
    """The same of the files as they are now."""
    from headscope.models.checkpoints.tokenizer import folder_tokenizer

    refuse_aborting_tokenizer(Path(folder))
    tokenizer = folder_tokenizer(Path(folder))
    return str(tokenizer.mask_token) if tokenizer is not None and tokenizer.mask_token_id is not None else ""
