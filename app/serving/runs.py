"""Cached runs: plain values in, shared read-only results out. A model is never an argument and no cache grows."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import streamlit as st
import torch

from headscope.app.serving.address import OpenHead
from headscope.app.serving.choice import Choice
from headscope.app.serving.given_facts import Facts, facts_in_link
from headscope.app.serving.model_source import fingerprint
from headscope.app.serving.service import ModelService
from headscope.app.serving.tokenizer_trial import refuse_aborting_tokenizer
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.signed_max_pool import signed_max_pool, visible_max_pool
from headscope.interp.heads.similar_heads import SimilarHeads, similar_heads
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.results.all_layers import over_all_layers
from headscope.models.io.device import best_device

THUMBNAIL_SIDE = 32


@dataclass(frozen=True)
class RunKey:
    """What a run is known by: folder, state of its files, text, whether a first token is put before it, given facts."""

    folder: str
    fingerprint: str
    prompt: str
    bos: bool
    given: Facts = ()

    def in_folder(self, folder: Path) -> "RunKey":
        """The same prompt in the model of another folder, as that is now."""
        place = str(folder)
        return replace(self, folder=place, fingerprint=fingerprint(folder), given=facts_in_link(place))

    @property
    def name(self) -> str:
        """A short name of the run, the same in every session."""
        return sha256(repr(self).encode()).hexdigest()[:16]


def run_key(choice: Choice) -> RunKey:
    """The key of what the sidebar says; ValueError where there is no such model."""
    folder = choice.folder
    return RunKey(folder, fingerprint(Path(folder)), choice.prompt, choice.bos, facts_in_link(folder))


@dataclass(frozen=True)
class Thumbnails:
    """Signed-max-pooled patterns [layer head small small], and the blocks of each layer that hold a visible cell."""

    patterns: torch.Tensor
    visible: torch.Tensor


@st.cache_resource(max_entries=6, show_spinner=False)
def opened_model(folder: str, fingerprint: str, given: Facts = ()) -> ModelService[ModelFacts]:
    """The model of a folder, opened once for all sessions; given: what a file does not say, by name."""
    from headscope.models.hooked.loading import (
        load,  # here because it imports transformer-lens, which takes seconds
    )

    refuse_aborting_tokenizer(Path(folder))
    model = load(folder, best_device(), given=dict(given))
    return ModelService(model, model_facts(model))


@st.cache_resource(max_entries=4, show_spinner=False)
def cached_attention_run(key: RunKey) -> AttentionRun:
    """The run of a prompt, shared by all sessions that ask for it."""
    return opened_model(key.folder, key.fingerprint, key.given).attention(key.prompt, key.bos)


@st.cache_resource(max_entries=1024, show_spinner=False)
def alike_of(key: RunKey, head: OpenHead, others: RunKey) -> SimilarHeads:
    """How alike the heads of a run, the same or another model's, are to one head of a run."""
    theirs, layers = cached_attention_run(others).patterns, head_layers_of(others)
    alike = similar_heads(cached_attention_run(key).patterns[head.layer, head.head], theirs[list(layers)])
    return over_all_layers(alike, layers, len(theirs))


def head_layers_of(key: RunKey) -> tuple[int, ...]:
    """The numbers of the layers of a run's model that have heads."""
    return opened_model(key.folder, key.fingerprint, key.given).facts.head_layers


@st.cache_resource(max_entries=4, show_spinner=False)
def thumbnails_of(key: RunKey) -> Thumbnails:
    """The small pictures of all heads of a run."""
    run = cached_attention_run(key)
    patterns = torch.stack([signed_max_pool(layer, THUMBNAIL_SIDE) for layer in run.patterns])
    return Thumbnails(patterns, visible_max_pool(run.visible, THUMBNAIL_SIDE))
