"""What every test run shares: one thread, no network, fixed seeds, and browser tests only where there is a browser."""

import os
import random
import shutil
from collections import Counter

import numpy
import pytest
from browser import browser, contexts, folder, run, tab, url  # noqa: F401

SECOND_FAMILIES = ("gpt_neox", "qwen3", "gemma3_text")  # their ways are those of GPT-2, Llama and Gemma 2
FIRST_VARIANTS = ("cog", "selective", "polynomial learned")  # that ask most of a family
FOUNDERS, DEALT = 5, 6  # variants that every page is tried with; each later one has one of so many pages in turn


def pytest_configure() -> None:
    """Set what libraries and subprocesses read when they start; nothing has imported torch yet."""
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HEADSCOPE_MODELS"] = os.sep  # the app opens what tests make, wherever that is


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pairs of a variant and a family or page that differ from their neighbours in little are run with `-m slow`."""
    opened = Counter[tuple[str, str]]()
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if params.get("family") in SECOND_FAMILIES and params.get("name", "cog") not in FIRST_VARIANTS:
            item.add_marker(pytest.mark.slow)
        if {"variant", "name"} <= {*params} and (later := place_among_later(params["variant"])) is not None:
            page = (item.originalname, params["variant"])
            if opened[page] != later % DEALT:
                item.add_marker(pytest.mark.slow)
            opened[page] += 1


def place_among_later(variant: str) -> int | None:
    """Where a variant stands in the table after the first ones."""
    from headscope.models.attention import VARIANTS

    place = list(VARIANTS).index(variant) - FOUNDERS
    return None if place < 0 else place


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("e2e") and shutil.which("chromium") is None:
        pytest.skip("no chromium on the PATH")


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    import torch

    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def no_page_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages compute all that they show, on however busy a machine."""
    monkeypatch.setattr("headscope.app.frame.when_asked.PATIENCE", float("inf"))
