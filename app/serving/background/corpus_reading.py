"""Corpus reading: a model reads passages of a corpus in a thread of its own, one by one, and keeps what it saw."""

import atexit
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Any, final

from headscope.app.serving.service import ModelService
from headscope.interp.corpus.extremes import PassageExtremes, joined_extremes, passage_extremes
from headscope.interp.corpus.passages import Passage, corpus_passages
from headscope.models.data.document import Document

PAUSE = 0.02  # seconds between two passages, in which a page may take its turn at the model


@final
class CorpusReading:
    """A reading that can be begun, stopped and gone on with; what was read stays, for all heads and all sessions."""

    def __init__(
        self, service: ModelService[Any], texts: Callable[[], Sequence[Document]], count: int, bos: bool
    ) -> None:
        self._service, self._texts, self._count, self._bos = service, texts, count, bos
        self._parts: list[PassageExtremes] = []
        self._state, self._thread, self._is_wanted = Lock(), None, False
        self.passages: list[Passage] = []
        self.fault: BaseException | None = None

    @property
    def is_running(self) -> bool:
        """Whether passages are being read."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    @property
    def is_done(self) -> bool:
        """Whether all passages were read."""
        return bool(self.passages) and len(self._parts) == len(self.passages)

    @property
    def done(self) -> int:
        """How many passages were read."""
        return len(self._parts)

    @property
    def total(self) -> int:
        """How many there are; before the corpus was cut, how many were asked for."""
        return len(self.passages) or self._count

    def extremes(self) -> PassageExtremes:
        """What was seen in the passages that were read."""
        return joined_extremes(list(self._parts))

    def begin(self) -> None:
        """Read on from where it stands, unless it is being read."""
        with self._state:
            self._is_wanted = True
            if not self.is_running and not self.is_done:
                self.fault = None
                atexit.register(self.end)
                self._thread = Thread(target=self._read, name="corpus reading", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End after the passage that is being read."""
        self._is_wanted = False

    def end(self) -> None:
        """Stop, and wait until nothing is read: a server that goes away leaves no thread inside of torch."""
        self.stop()
        self.wait()

    def wait(self) -> None:
        """Until it is read or stopped."""
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        try:
            if not self.passages:
                texts = self._texts()
                self.passages = self._service.alone(
                    lambda model: corpus_passages(model, texts, self._count, prepend_bos=self._bos)
                )
            while self._is_wanted and not self.is_done:
                tokens = self.passages[len(self._parts)].tokens
                self._parts.append(self._service.alone(lambda model, tokens=tokens: passage_extremes(model, [tokens])))
                time.sleep(PAUSE)
        except BaseException as fault:  # it is said on the page that asks for the reading
            self.fault = fault
        finally:
            atexit.unregister(self.end)
