"""Results of experiments in the app: those that are shipped and those of one's own runs, as claims and figures."""

import itertools
from pathlib import Path

import streamlit as st

from headscope.app.figure.panel import figure_panel
from headscope.app.serving.model_source import NothingAskedError
from headscope.app.serving.refusals import plain_markdown, refusals_in_place
from headscope.interp.arms.claim_intervals import ClaimIntervals, chance_words, claim_intervals
from headscope.interp.arms.verdict import RULE
from headscope.interp.experiments.engine.publishing import (
    SHIPPED,
    Publication,
    all_shipped_names,
    read_publication,
    results_file,
    shipped_verdicts,
)
from headscope.interp.experiments.engine.report import outcome_facts, verdict_table
from headscope.interp.experiments.engine.table import MODULES, experiment_named
from headscope.models.io.foreign_input import foreign_input

FOREST_CODE = """from headscope.interp.experiments.engine.publishing import shipped_claims

result = shipped_claims()
result.figure()"""
OWN = Path("runs/experiments")  # where `headscope experiment` writes


def sources() -> dict[str, Path]:
    """A name for each results file: of the shipped ones, then of one's own runs."""
    result = [path for name in MODULES for path in sorted((OWN / name).glob("*/results.json"))]
    own = [path for path in result if path.parent.name != SHIPPED]
    return {f"{name}, shipped": results_file(name) for name in all_shipped_names()} | {
        f"{path.parts[-3]}, {path.parts[-2]} run": path for path in own
    }


def chosen_results() -> Publication:
    """The results that the box names. ValueError for a file that is none."""
    known = sources()
    if not known:
        raise NothingAskedError("There are no results yet: run `headscope experiment E3`.")
    name = st.selectbox("Experiment", list(known), key="experiment", bind="query-params", format_func=experiment_title)
    path = known[name or next(iter(known))]
    return cached_publication(str(path), path.stat().st_mtime_ns)


def experiment_title(name: str) -> str:
    """A name with what the experiment asks."""
    experiment, where = name.split(", ", 1)
    return f"{experiment}: {experiment_named(experiment).title} ({where})"


@st.cache_resource(max_entries=16, show_spinner=False)
def cached_publication(path: str, changed: int) -> Publication:
    """The results of a file, read once for all sessions while it does not change."""
    return read_publication(path)


def claims_table(result: Publication) -> None:
    """Claim, paper, here, answer; by what rule; and how it was measured."""
    st.html(verdict_table(result.verdicts))
    with st.expander("How this was measured, and by what rule it is answered"):
        with foreign_input(f"cannot read how {result.path} was measured"):
            lines = [*outcome_facts(result.experiment, result.outcome), RULE]
        for line in lines:
            st.markdown(plain_markdown(line))


def forest_panel() -> None:
    """The intervals of all shipped claims, and how many answers to expect by chance."""
    title = "All claims of the shipped results"
    with refusals_in_place(f"{title} cannot be drawn"):
        forest, words = cached_forest()
        st.markdown(plain_markdown(words))
        figure_panel(title, forest, FOREST_CODE, key="forest")


@st.cache_resource(show_spinner=False)
def cached_forest() -> tuple[ClaimIntervals, str]:
    """The intervals with that sentence, read once for all sessions."""
    verdicts = shipped_verdicts()
    return claim_intervals(verdicts), chance_words([item for items in verdicts.values() for item in items])


def result_panels(entry: Publication) -> None:
    """A panel for each result, two in a row."""
    places = itertools.cycle(st.columns(2, gap="medium"))
    for (name, result), place in zip(entry.results.items(), places, strict=False):
        what = f"{result.about.title} cannot be drawn"
        with place, refusals_in_place(what), foreign_input(f"cannot draw what {entry.path} holds"):
            figure_panel(result.about.title, result, code_of(entry, name), key=f"{entry.experiment.name}_{name}")


def code_of(result: Publication, name: str) -> str:
    """The lines that draw a result again."""
    if result.path == results_file(result.experiment.name):
        need, opening = "shipped", f"shipped({result.experiment.name!r})"
    else:
        need, opening = "read_publication", f"read_publication({str(result.path)!r})"
    return f"""from headscope.interp.experiments.engine.publishing import {need}

result = {opening}.results[{name!r}]
result.figure()"""
