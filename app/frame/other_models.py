"""Other models: those that stand beside the open one, on the same prompt."""

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from headscope.app.frame.controls import UPLOADED
from headscope.app.frame.page import OpenPrompt
from headscope.app.serving.address import lasting_address_value
from headscope.app.serving.choice import FROM_FOLDER
from headscope.app.serving.kept.upload import earlier_upload
from headscope.app.serving.model_source import modality_in, source_folder
from headscope.app.serving.refusals import refusals_in_place
from headscope.app.serving.runs import opened_model
from headscope.models import zoo

MOST = 3
FROM_UPLOAD = "the upload"


def name_of(opened: OpenPrompt) -> str:
    """A shipped model's name, or that of the folder."""
    return Path(opened.key.folder).name


def other_models(opened: OpenPrompt) -> list[OpenPrompt]:
    """Boxes to choose models in, and those that could be opened; a box says why another could not."""
    upload = earlier_upload(lasting_address_value(UPLOADED))
    alike = [name for name in zoo.names() if modality_in(zoo.folder(name)) is opened.facts.modality]
    shipped = [name for name in alike if str(zoo.folder(name)) != opened.key.folder]
    names = [*shipped, FROM_FOLDER, *([FROM_UPLOAD] if upload and str(upload) != opened.key.folder else [])]
    left, right = st.columns([3, 2])
    chosen = left.multiselect(
        "Models beside it", names, default=shipped[:1], key="others", bind="query-params", max_selections=MOST
    )
    typed = right.text_input("Folder", key="other_folder", bind="query-params") if FROM_FOLDER in chosen else ""
    result = []
    for name in chosen:
        with refusals_in_place(f"{name}: this model cannot be opened"):
            folder = upload if name == FROM_UPLOAD and upload else source_folder(name, typed, FROM_FOLDER)
            result.append(open_prompt_in_folder(opened, folder))
    return result


def open_prompt_in_folder(opened: OpenPrompt, folder: Path) -> OpenPrompt:
    """The model of a folder on the prompt of the open one. ValueError where it cannot read it."""
    key = opened.key.in_folder(folder)
    with st.spinner("Opening the model …"):
        service = opened_model(key.folder, key.fingerprint, key.given)
    if service.facts.modality is not opened.facts.modality:
        raise ValueError(f"it reads {service.facts.reads}s, the open model reads {opened.facts.reads}s")
    return OpenPrompt(key, service, service.tokens(key.prompt, key.bos))


def models_with_titles(models: list[OpenPrompt]) -> Iterator[tuple[str, OpenPrompt]]:
    """Models with names that tell them apart."""
    names = [name_of(model) for model in models]
    for at, (name, item) in enumerate(zip(names, models, strict=True)):
        yield (f"{name} ({at + 1})" if names.count(name) > 1 else name), item
