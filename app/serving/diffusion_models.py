"""Diffusion models of the Diffusion page: those that are shipped or a folder, opened once, and what they made."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from headscope.app.serving.model_source import fingerprint, modality_in, typed_folder
from headscope.app.serving.progress import progress
from headscope.app.serving.refusals import refusals_in_place
from headscope.app.serving.service import ModelService
from headscope.interp.diffusion.diffusion_facts import DiffusionFacts, diffusion_facts
from headscope.models import zoo
from headscope.models.io.device import best_device
from headscope.models.uvit.uvit import UViT

FROM_FOLDER = "a folder"
NAMES = {"uvit": "U-ViT", "uvic": "U-ViC"}
Found = TypeVar("Found")


@dataclass(frozen=True)
class OpenedDiffusion:
    """A model with its name on the page, and its name or folder in code."""

    title: str
    source: str
    service: ModelService[DiffusionFacts]


@st.cache_resource(max_entries=4, show_spinner=False)
def opened_service(folder: str, fingerprint: str) -> ModelService[DiffusionFacts]:
    """The model of a folder, opened once for all sessions. ValueError for one that is no diffusion model."""
    from headscope.models.checkpoints import open_model

    if not modality_in(Path(folder)).removes_noise:
        raise ValueError(f"{folder} holds no diffusion model: its config.json names no uvit")
    model: Any = open_model(folder).model
    return ModelService(model.to(best_device()), diffusion_facts(model))


def model_name_in_words(name: str) -> str:
    """The name of a shipped model as papers write it."""
    return NAMES.get(name, name)


def chosen_models() -> list[OpenedDiffusion]:
    """Boxes to choose models in, and those that could be opened; a box says why another could not."""
    shipped = list(zoo.diffusion_names())
    left, right = st.columns([3, 2])
    chosen = left.multiselect(
        "Models",
        [*shipped, FROM_FOLDER],
        default=shipped,
        key="diffusion",
        bind="query-params",
        format_func=model_name_in_words,
    )
    typed = right.text_input("Folder", key="diffusion_folder", bind="query-params") if FROM_FOLDER in chosen else ""
    result = []
    for name in chosen:
        with refusals_in_place(f"{model_name_in_words(name)}: this model cannot be opened"):
            folder = typed_folder(typed) if name == FROM_FOLDER else zoo.folder(name)
            service = opened_service(str(folder), fingerprint(folder))
            result.append(
                OpenedDiffusion(NAMES.get(name, folder.name), str(folder) if name == FROM_FOLDER else name, service)
            )
    return result


def shared_diffusion_result(
    opened: OpenedDiffusion, request: Hashable, compute: Callable[[UViT, Callable[[str, int, int], None]], Found]
) -> Found:
    """What a function makes of the model, computed once for all sessions, with a bar; the app's own Stop ends it."""
    with progress() as watch:
        return opened.service.kept(request, lambda model: compute(model, watch))
