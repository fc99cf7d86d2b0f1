"""The parts of a training step: batches, learning rate, decay, history, snapshot steps."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import tiny_tokenizer
from tiny_runs import tiny_recipe, untrained
from torch import nn

from headscope.models.data.examples import UNASKED
from headscope.models.data.text.batches import (
    WINDOWS,
    WindowSampler,
    document_training_batch,
    document_validation_batch,
    training_batch,
    validation_batch,
)
from headscope.models.data.text.loss import next_token_loss
from headscope.models.data.text.text import Text
from headscope.models.fitting.history import append_record, cut_history, read_history
from headscope.models.fitting.objective import part_of, share
from headscope.models.fitting.optimizer import adamw
from headscope.models.fitting.schedule import SCHEDULES, learning_rate
from headscope.models.training.snapshots import snapshot_steps

BOS = 0
TOKENS = Text(np.arange(1, 1001, dtype=np.uint16), BOS, BOS)


def cut(length: int) -> Text:
    return replace(TOKENS, tokens=TOKENS.tokens[:length])


def batch(seed: int = 0, step: int = 0, windows: int = 4) -> torch.Tensor:
    return training_batch(TOKENS, seed=seed, step=step, batch=windows, context=8)


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    first = batch(seed=3, step=5)
    batch(seed=9, step=9), np.random.random(7), torch.rand(7)
    assert batch(seed=3, step=5).equal(first)
    assert not batch(seed=3, step=6).equal(first)
    assert not batch(seed=4, step=5).equal(first)


def test_windows_are_consecutive_tokens() -> None:
    windows = batch(windows=200)
    assert windows.shape == (200, 9)
    assert (windows[:, 1:].diff() == 1).all()


def test_half_of_the_windows_begin_with_bos_and_the_rest_with_their_token() -> None:
    windows = batch(windows=2000)
    begun = windows[:, 0] == BOS
    assert abs(begun.float().mean() - 0.5) < 0.05
    assert (windows[~begun, 1] - windows[~begun, 0] == 1).all()


def test_every_place_of_the_text_can_be_drawn() -> None:
    windows = training_batch(cut(10), seed=0, step=0, batch=200, context=8)
    assert set(windows[:, 1].tolist()) == {2, 3}


def test_validation_windows_are_spread_from_end_to_end() -> None:
    windows = validation_batch(TOKENS, windows=4, context=8)
    assert (windows[:, 0] == BOS).all()
    assert windows[:, 1].tolist() == [2, 332, 662, 993]
    assert windows[-1, -1] == 1000


def test_validation_windows_do_not_overlap_in_short_text() -> None:
    assert len(validation_batch(cut(30), windows=64, context=8)) == 3


END = 9
DOCUMENTS = Text(np.array([END, 11, 12, END, 21, END, 31, 32, 33, 34, END], dtype=np.uint16), BOS, END)
ALONE = {  # by the first token of a document: the window of it alone, four tokens and their last target
    11: [BOS, 11, 12, END, UNASKED],
    21: [BOS, 21, END, UNASKED, UNASKED],
    31: [BOS, 31, 32, 33, 34],
}


def test_a_window_of_documents_holds_one_alone() -> None:
    drawn = document_training_batch(DOCUMENTS, seed=0, step=0, batch=200, context=4)
    assert {int(row[1]): row.tolist() for row in drawn} == ALONE
    assert all(ALONE[int(row[1])] == row.tolist() for row in drawn)


def test_documents_held_out_are_asked_once_each() -> None:
    assert document_validation_batch(DOCUMENTS, windows=64, context=4).tolist() == list(ALONE.values())
    assert document_validation_batch(DOCUMENTS, windows=2, context=4).tolist() == [ALONE[11], ALONE[31]]


def test_what_is_not_asked_for_has_no_loss() -> None:
    model = untrained(tiny_recipe(Path("text.txt")), tiny_tokenizer())
    alone, filled = torch.tensor([[0, 5, 6, UNASKED, UNASKED]]), torch.tensor([[0, 5, 6]])
    torch.testing.assert_close(next_token_loss(model, alone), next_token_loss(model, filled))


@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_a_batch_of_either_kind_is_a_function_of_seed_and_step(windows: WindowSampler) -> None:
    first, again, other = (
        windows.training(DOCUMENTS, seed=0, step=step, batch=50, context=4).tolist() for step in (1, 1, 2)
    )
    assert first == again != other


def test_a_batch_that_does_not_divide_over_the_processes_is_refused() -> None:
    assert share(6, 2) == 3
    with pytest.raises(ValueError, match="a batch of 6 windows does not divide over 4 processes"):
        share(6, 4)


def test_the_parts_of_a_batch_are_the_batch() -> None:
    batch = {"ids": torch.arange(12).view(6, 2), "label": torch.arange(6)}
    parts = [part_of(batch, 3, index) for index in range(3)]
    for name, whole in batch.items():
        assert torch.cat([part[name] for part in parts]).equal(whole)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_rises_to_its_peak_then_never_rises(schedule: str) -> None:
    rates = [learning_rate(schedule, step, peak=2.0, warmup=4, steps=20) for step in range(20)]
    assert rates[:4] == [0.5, 1.0, 1.5, 2.0]
    assert all(before >= after for before, after in pairwise(rates[3:]))


@pytest.mark.parametrize(("schedule", "half_way"), [("cosine", 1.0), ("linear", 1.0), ("constant", 2.0)])
def test_the_shapes_of_the_schedules(schedule: str, half_way: float) -> None:
    assert learning_rate(schedule, 12, peak=2.0, warmup=4, steps=20) == pytest.approx(half_way)
    assert learning_rate(schedule, 0, peak=2.0, warmup=0, steps=20) == 2.0


def test_matrices_decay_and_the_rest_does_not() -> None:
    recipe = tiny_recipe(Path("text.txt"), attention={"variant": "selective"}, weight_decay=0.3)
    model: nn.Module = untrained(recipe, tiny_tokenizer())
    decay = {
        id(one): group["weight_decay"] for group in adamw(model, recipe.plan).param_groups for one in group["params"]
    }
    assert {id(one): 0.3 if one.ndim >= 2 else 0.0 for one in model.parameters()} == decay
    assert set(decay.values()) == {0.3, 0.0}


def test_history_forgets_what_came_after_a_step(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for step in range(5):
        append_record(path, {"step": step})
    cut_history(path, 2)
    assert read_history(path) == [{"step": 0}, {"step": 1}, {"step": 2}]


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"step": 0}) + '\n{"step": 1, "lo')
    assert read_history(path) == [{"step": 0}]


def test_snapshots_halve_the_way_back() -> None:
    assert snapshot_steps(64, 3) == (8, 16, 32)
    assert snapshot_steps(2000, 8) == (8, 16, 31, 62, 125, 250, 500, 1000)
    assert snapshot_steps(4, 8) == (1, 2)
    assert snapshot_steps(64, 0) == ()
