"""What sessions share: computed once, and forgotten when it takes too much room, the oldest first."""

from dataclasses import dataclass

import torch
from torch import Tensor

from headscope.app.serving.kept_results import KeptResults, bytes_of


@dataclass(frozen=True)
class Record:
    """Tensors, some in a mapping."""

    one: Tensor
    others: dict[str, Tensor]


def test_a_result_is_computed_once() -> None:
    kept, calls = KeptResults(), []
    for _ in range(3):
        assert kept.of("asked", lambda: calls.append(1) or "found") == "found"
    assert calls == [1]


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = KeptResults(most_bytes=100)
    for name in "abab":
        kept.of(name, lambda: torch.zeros(10))
    kept.of("a", lambda: torch.zeros(10))
    kept.of("c", lambda: torch.zeros(10))
    calls = []
    kept.of("a", lambda: calls.append("a"))
    kept.of("b", lambda: calls.append("b"))
    assert calls == ["b"]


def test_the_newest_result_is_kept_whatever_it_takes() -> None:
    kept = KeptResults(most_bytes=10)
    big = kept.of("big", lambda: torch.zeros(1000))
    assert kept.of("big", lambda: None) is big and kept.bytes == 4000


def test_all_tensors_of_a_record_count() -> None:
    record = Record(torch.zeros(2, dtype=torch.float64), {"a": torch.zeros(3), "b": torch.zeros(1, dtype=torch.int8)})
    assert bytes_of([record, "words", 7]) == 16 + 12 + 1
