"""Notebook bar: how far an analysis is, shown where a notebook's kernel runs it, and nowhere else."""

import os
import sys
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, TypeVar, final

from headscope.interp.reading.watch import Progress

Item = TypeVar("Item")
DELAY = 1.0  # seconds; what takes no longer shows no bar


def with_a_bar(items: Callable[[Progress], Iterator[Item]], total: int) -> Iterator[Item]:
    """Items that are computed one by one, each saying how far it is, behind a bar of all of them in a notebook."""
    bar = LateBar(total) if runs_in_a_notebook() and not is_disabled() else None
    try:
        for item in items(bar.show if bar else unshown):
            if bar:
                bar.count()
            yield item
    finally:
        if bar:
            bar.close()


def unshown(stage: str, done: int, total: int) -> None:
    """Nothing is written where nobody asked."""


def runs_in_a_notebook() -> bool:
    """Whether a Jupyter kernel runs this code; a script, a terminal, and IPython in one have none."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def is_disabled() -> bool:
    """Whether the environment forbids bars; of tqdm's two, that of notebooks does not look."""
    return os.environ.get("TQDM_DISABLE", "") not in ("", "0")


@final
class LateBar:
    """A bar that comes when a moment has passed and goes when all is done."""

    def __init__(self, total: int) -> None:
        self._total, self._count, self._began = total, 0, monotonic()
        self._bar: Any = None

    def show(self, stage: str, done: int, total: int) -> None:
        """Say what is computed now, and how far that is."""
        if bar := self._drawn():
            bar.set_postfix_str(f"{stage.replace('_', ' ')}: {done} of {total}")

    def count(self) -> None:
        """One more of all is finished."""
        self._count += 1
        if bar := self._drawn():
            bar.update(self._count - bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def _drawn(self) -> Any:
        if self._bar is None and monotonic() - self._began >= DELAY:
            from tqdm.auto import tqdm

            self._bar = tqdm(desc="analyses", total=self._total, leave=False)
        return self._bar
