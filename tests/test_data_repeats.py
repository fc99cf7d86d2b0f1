"""Training windows in which a span stands twice."""

import pytest
import torch

from headscope.models.data.table import fields_of
from headscope.models.data.text.repeats import SHORTEST, with_repeats

WINDOWS = torch.arange(1000 * 65).reshape(1000, 65)  # no token stands twice


def changed(share: float = 1.0, step: int = 0) -> torch.Tensor:
    return with_repeats(WINDOWS, share, seed=0, step=step)


def test_a_repeat_is_one_whole_span_after_its_first_place() -> None:
    for before, after in zip(WINDOWS, changed(), strict=True):
        again = (before != after).nonzero().flatten()
        lengths = again[-1] - again[0] + 1
        assert len(again) == lengths and SHORTEST <= lengths <= 32
        start = (before == after[again[0]]).nonzero().item()
        assert start >= 1 and start + lengths <= again[0]
        assert after[again].equal(before[start : start + lengths])


def test_the_first_token_of_a_window_stays() -> None:
    assert changed()[:, 0].equal(WINDOWS[:, 0])


def test_a_share_of_the_windows_has_a_repeat() -> None:
    share = (changed(0.3) != WINDOWS).any(1).float().mean()
    assert abs(share - 0.3) < 0.05
    assert with_repeats(WINDOWS, None, seed=0, step=0).equal(WINDOWS)


def test_repeats_are_a_function_of_seed_and_step() -> None:
    assert changed(step=3).equal(changed(step=3))
    assert not changed(step=3).equal(changed(step=4))


def test_the_windows_handed_in_are_left_as_they_were() -> None:
    before = WINDOWS.clone()
    changed()
    assert WINDOWS.equal(before)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"repeats": 1.5}, "it must lie between 0 and 1"),
        ({"repeats": -0.1}, "it must lie between 0 and 1"),
        ({"repeats": 0.3, "context": 15}, "stands twice in 16 or more"),
        ({"repeats": 0.3, "windows": "documents"}, "it needs 'data.windows' to be 'joined'"),
    ],
)
def test_impossible_repeats_are_refused(fields: dict[str, float | str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fields_of({"source": "stdlib", **fields})
