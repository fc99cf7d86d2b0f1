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
from headscope.interp.heads.similar_heads import SimilarHeads
from headscope.interp.heads.similar_runs import heads_of, likeness_of_heads, likeness_to_head, similar_heads_of_runs
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.watch import Progress
from headscope.interp.results.all_layers import over_all_layers
from headscope.models.io.device import best_device


@dataclass(frozen=True)
class RunKey:
    """What a run is known by: folder, state of its files, text, whether a first token is put before it, given facts.

    mixers: whether it is of a hybrid's layers without attention.
    """

    folder: str
    fingerprint: str
    prompt: str
    bos: bool
    given: Facts = ()
    mixers: bool = False

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


@st.cache_resource(max_entries=6, show_spinner=False)
def opened_model(folder: str, fingerprint: str, given: Facts = ()) -> ModelService[ModelFacts]:
    """The model of a folder, opened once for all sessions; given: what a file does not say, by name."""
    from headscope.models.hooked.loading import (
        load,  # here because it imports transformer-lens, which takes seconds
    )

    refuse_aborting_tokenizer(Path(folder))
    model = load(folder, best_device(), given=dict(given))
    return ModelService(model, model_facts(model))


@st.cache_resource(max_entries=6, show_spinner=False)
def opened_mixers(folder: str, fingerprint: str, given: Facts = ()) -> ModelService[ModelFacts]:
    """The same model with its mixers in the place of heads. Raises ValueError for one without such layers."""
    from headscope.interp.effective.mixer_heads import mixers

    service = opened_model(folder, fingerprint, given)
    view = service.alone(mixers)
    return service.as_seen(view, view.facts)


def service_of(key: RunKey) -> ModelService[ModelFacts]:
    """The open model of a run, or its mixers."""
    return (opened_mixers if key.mixers else opened_model)(key.folder, key.fingerprint, key.given)


def cached_attention_run(key: RunKey, watch: Progress = lambda *stage: None) -> AttentionRun:
    """The run of a prompt, shared by all sessions that ask for it."""
    return service_of(key).attention(key.prompt, key.bos, watch)


def likeness_of(key: RunKey, watch: Progress = lambda *stage: None) -> torch.Tensor:
    """The likeness of every pair of heads of a run [head other], made once for all sessions."""
    run, service = cached_attention_run(key), service_of(key)
    return service.kept(likeness_request(key), lambda model: likeness_of_heads(run, watch))


def likeness_request(key: RunKey) -> tuple[object, ...]:
    """What the likeness of a run's heads is kept under."""
    return "likeness", key.prompt, key.bos


def alike_of(key: RunKey, head: OpenHead) -> SimilarHeads:
    """How alike the heads of a run are to one of them."""
    run = cached_attention_run(key)
    own = heads_of(run).index((head.layer, head.head))
    return over_all_layers(similar_heads_of_runs(likeness_of(key)[own], run, own), head_layers_of(key), len(run.layers))


@st.cache_resource(max_entries=1024, show_spinner=False)
def alike_in_other_run(key: RunKey, head: OpenHead, others: RunKey) -> SimilarHeads:
    """How alike the heads of another model's run are to one head of a run."""
    theirs = cached_attention_run(others)
    value = likeness_to_head(cached_attention_run(key), head.layer, head.head, theirs)
    own = heads_of(theirs).index((head.layer, head.head)) if key == others else None
    return over_all_layers(similar_heads_of_runs(value, theirs, own), head_layers_of(others), len(theirs.layers))


def head_layers_of(key: RunKey) -> tuple[int, ...]:
    """The numbers of the layers of a run's model that have heads."""
    return service_of(key).facts.head_layers
