"""Retention: what came from the browser goes a day after its last use, and a killed write's leftovers sooner."""

import time
from pathlib import Path

import pytest

from headscope.app.serving.kept import retention
from headscope.app.serving.kept.retention import DAY, HOUR, all_kept, forget_abandoned, forget_all, users


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache with an upload, a picture, a text, and the leftovers of two writes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("uploads/0123456789abcdef/config.json", "uploads/partial-xy/config.json"):
        (tmp_path / "headscope" / name).parent.mkdir(parents=True)
        (tmp_path / "headscope" / name).touch()
    for name in ("pictures/0123456789abcdef", "pictures/1123456789abcdef.partial", "texts/0123456789abcdef"):
        (tmp_path / "headscope" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "headscope" / name).touch()
    return tmp_path / "headscope"


def names() -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in all_kept()}


def test_what_no_session_used_for_a_day_is_deleted(kept: Path) -> None:
    forget_abandoned(time.time() + DAY - 60)
    assert names() == {f"{kind}/0123456789abcdef" for kind in ("uploads", "pictures", "texts")}
    forget_abandoned(time.time() + DAY + 60)
    assert names() == set()


def test_what_a_killed_write_left_is_deleted_after_an_hour(kept: Path) -> None:
    forget_abandoned(time.time() + HOUR - 60)
    assert {"uploads/partial-xy", "pictures/1123456789abcdef.partial"} <= names()
    forget_abandoned(time.time() + HOUR + 60)
    assert not {"uploads/partial-xy", "pictures/1123456789abcdef.partial"} & names()


def test_what_a_connected_session_uses_stays_and_its_day_begins_when_that_goes(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = {"mine"}

    class Runtime:
        def is_active_session(self, name: str) -> bool:
            return name in connected

    monkeypatch.setattr(retention.runtime, "exists", lambda: True)
    monkeypatch.setattr(retention.runtime, "get_instance", Runtime)
    monkeypatch.setitem(users(), kept / "texts" / "0123456789abcdef", {"mine"})
    later = time.time() + 5 * DAY
    forget_abandoned(later)
    assert names() == {"texts/0123456789abcdef"}
    connected.clear()
    forget_abandoned(later + DAY - 60)
    assert names() == {"texts/0123456789abcdef"}
    forget_abandoned(later + DAY + 60)
    assert names() == set()


def test_all_that_was_sent_can_be_deleted_at_once(kept: Path) -> None:
    forget_all()
    assert names() == set() and all(not any((kept / kind).iterdir()) for kind in retention.KINDS)
