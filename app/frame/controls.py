"""Controls of the sidebar: which model reads which prompt or image."""

from pathlib import Path

import streamlit as st

from headscope.app.frame.first_token import BOS, bos_switch, mask_of
from headscope.app.frame.image_chooser import IMAGE, INK, NUMBER, PICTURE, image_chooser
from headscope.app.frame.prompt_box import PROMPT, TEXT, keep_prompt, prompt_box, write_prompt
from headscope.app.frame.prompts import EXAMPLES, Example, masked_examples
from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.app.serving.choice import FROM_FOLDER, Choice
from headscope.app.serving.kept.retention import all_kept, bytes_of, forget_all
from headscope.app.serving.kept.upload import earlier_upload, uploaded_folder
from headscope.app.serving.model_source import modality_in, source_folder
from headscope.app.serving.refusals import refusals_in_place
from headscope.models import zoo
from headscope.models.hosts.modality import TEXT as TEXT_MODALITY
from headscope.models.hosts.modality import Modality

FROM_UPLOAD = "an upload"
PREFERRED = "cog-longer"
BOXES = ("model", "folder", PROMPT)
UPLOADED, SENT, TURN = "upload", "upload_sent", "upload_turn"


def sidebar_choice() -> Choice:
    """What the sidebar says; it is drawn once for all pages, before the page."""
    return st.session_state["choice"]


def chosen_modality() -> Modality:
    """What the chosen model reads, before it is opened."""
    folder = chosen_folder(sidebar_choice().name, sidebar_choice().typed)
    return TEXT_MODALITY if folder is None else modality_in(folder)


def prompt_and_model() -> None:
    """Draw the sidebar; every value stands in the address bar too, under the key of its widget."""
    names = [*zoo.names(), FROM_FOLDER, FROM_UPLOAD]
    preferred = PREFERRED if PREFERRED in names else names[0]
    start(model=preferred, **first_prompt())
    above = st.container()
    name, typed = chosen_model(names)
    folder = chosen_folder(name, typed)
    with above:
        if asks_for_an_image(name, typed):
            keep_prompt()
            st.session_state["choice"] = Choice(name, typed, image_chooser(), bos=False)
            return
        examples = examples_for(folder)
        start(prompt=examples[0].text)
        st.header("Prompt", anchor=False)
        prompt = prompt_box()
        offer_examples(examples)
        st.session_state["choice"] = Choice(name, typed, prompt, bos_switch(folder))


def chosen_model(names: list[str]) -> tuple[str, str]:
    """Draw the choice of a model: its name, empty where there is none, and what was typed or sent for it."""
    st.header("Model", anchor=False)
    name = st.selectbox(
        "Model", names, index=None, key="model", bind="query-params", label_visibility="collapsed", placeholder="Choose"
    )
    if name == FROM_FOLDER:
        typed = st.text_input("Folder", key="folder", bind="query-params", placeholder="/home/me/my-model")
        st.caption("A Hugging Face folder (config.json and its weights), a run's, a GGUF file, or a known checkpoint.")
        return name, typed
    return (FROM_FOLDER, upload()) if name == FROM_UPLOAD else (name or "", "")


def offer_examples(examples: tuple[Example, ...]) -> None:
    """Buttons that put an example into the prompt."""
    with st.container(horizontal=True, gap="xsmall", key="examples"):
        for example in examples:
            st.button(example.title, on_click=write_prompt, args=(example.text,))


def sidebar_model() -> tuple[object, ...]:
    """What the boxes say of the model now, before the page has followed."""
    return st.session_state.get("model"), st.session_state.get("folder"), lasting_address_value(UPLOADED)


def sidebar() -> tuple[object, ...]:
    """What the boxes say of the model and of what it reads now, before the page has followed."""
    names = (PROMPT, BOS, NUMBER, INK)
    picture = st.session_state.get(PICTURE)
    read = tuple(st.session_state.get(name) for name in names)
    kept = lasting_address_value(TEXT), lasting_address_value(IMAGE)
    return *sidebar_model(), *read, *kept, picture and picture.file_id


def first_prompt() -> dict[str, str]:
    """The prompt of a new session, for the model that the address or the boxes name; none for one of images."""
    words = {**st.query_params, **{str(key): value for key, value in st.session_state.items()}}
    name, typed = str(words.get("model", "")), str(words.get("folder", ""))
    return {} if asks_for_an_image(name, typed) else {"prompt": examples_for(chosen_folder(name, typed))[0].text}


def asks_for_an_image(name: str, typed: str) -> bool:
    """Whether the chosen model reads images; one that is not there reads texts until it is."""
    folder = chosen_folder(name, typed)
    return folder is not None and modality_in(folder).reads_pictures


def chosen_folder(name: str, typed: str) -> Path | None:
    """The folder of the chosen model; nothing where there is none, and then the page says why."""
    if not name or (name == FROM_FOLDER and not typed.strip()):
        return None
    try:
        return source_folder(name, typed, FROM_FOLDER)
    except (ValueError, OSError):
        return None


def examples_for(folder: Path | None) -> tuple[Example, ...]:
    """The example prompts for a model: with a mask in them where that is what it is asked."""
    if folder is None or not modality_in(folder).asks_masks:
        return EXAMPLES
    return masked_examples(mask) if (mask := mask_of(folder)) else EXAMPLES


def upload() -> str:
    """The folder of the files that are sent from the browser, or of those that the link names; else empty."""
    turn = st.session_state.setdefault(TURN, 0)
    files = st.file_uploader("Model folder", accept_multiple_files="directory", key=f"upload_{turn}")
    sent = tuple(file.file_id for file in files)
    if sent and st.session_state.get(SENT) != sent:  # a click reruns the page; reading gigabytes again would take long
        with refusals_in_place("This upload is no model"):
            write_lasting(**{UPLOADED: uploaded_folder(files).name})
            st.session_state[SENT] = sent
    if files:
        st.button("Send another model", on_click=next_upload, type="tertiary")
    st.caption(
        "config.json and model.safetensors, perhaps a tokenizer and snapshots; the rest is left out. Nothing is "
        "executed. A link reopens it on this computer, until no page has used it for a day."
    )
    if kept := all_kept():
        size = sum(map(bytes_of, kept)) / 2**20
        st.button(f"Delete all that was sent ({size:,.1f} MB)", on_click=forget_all, type="tertiary")
    digest = lasting_address_value(UPLOADED)
    folder = earlier_upload(digest)
    if digest and folder is None:
        st.warning("The upload that the link names is no longer kept here: send it again.")
    return str(folder or "")


def next_upload() -> None:
    """Put an empty box in the place of the one that was filled."""
    st.session_state[TURN] += 1


def start(**values: str) -> None:
    """What widgets say in a new session whose link does not; put into the link too, in one step."""
    missing = {key: text for key, text in values.items() if key not in st.session_state and key not in st.query_params}
    if missing:
        st.session_state.update(missing)
        st.query_params.update(missing)
