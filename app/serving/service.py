"""Model service: the one place that runs a shared model. Hooks are its state, so one session at a time is let in."""

from collections.abc import Callable, Hashable
from functools import cached_property
from math import isqrt
from threading import Lock
from typing import Any, Generic, TypeVar, final

from headscope.app.serving.image_names import image_named
from headscope.app.serving.kept_results import KeptResults
from headscope.interp.asking.given_prompts import text_as_read
from headscope.interp.heads.attention_run import AttentionRun, attention_run, layers_with_patterns
from headscope.interp.reading.hooked_model import tokenizer_of
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import PromptTokens, PromptTooLongError
from headscope.interp.reading.shortened_prompt import End, shortened_prompt
from headscope.interp.reading.watch import Progress
from headscope.interp.weights.head_weights import HeadWeights, head_weights

MOST_PATTERN_BYTES = 1 * 2**30
Facts = TypeVar("Facts")
Value = TypeVar("Value")


@final
class ModelService(Generic[Facts]):
    """A model behind a lock, with what is known of it; sessions get records of tensors that nobody else writes to."""

    def __init__(self, model: Any, facts: Facts) -> None:
        self._model = model
        self._lock, self._reading = Lock(), Lock()
        self._kept, self._prompts = KeptResults(), KeptResults()
        self._weights: HeadWeights | None = None
        self.facts = facts

    def as_seen(self, view: Any, facts: Facts) -> "ModelService[Facts]":
        """The service of a view of the same model, behind the same lock."""
        service = ModelService(view, facts)
        service._lock = self._lock
        return service

    def attention(
        self: "ModelService[ModelFacts]", prompt: str, prepend_bos: bool, watch: Progress = lambda *stage: None
    ) -> AttentionRun:
        """The run of one prompt, made once for all sessions. ValueError in one sentence where it cannot be run."""
        tokens = self.tokens(prompt, prepend_bos)
        self.refuse_run(tokens)
        return self.kept(run_request(prompt, prepend_bos), lambda model: attention_run(model, tokens, watch=watch))

    def has_run(self, prompt: str, prepend_bos: bool) -> bool:
        """Whether the run of a prompt is kept."""
        return self.has(run_request(prompt, prepend_bos))

    def tokens(self: "ModelService[ModelFacts]", prompt: str, prepend_bos: bool) -> Prompt:
        """A prompt as the model reads it, or the image of that name. ValueError where it cannot."""
        with self._reading:
            return self._prompts.of((prompt, prepend_bos), lambda: self._read(prompt, prepend_bos))

    def _read(self: "ModelService[ModelFacts]", prompt: str, prepend_bos: bool) -> Prompt:
        reads_ids = self.facts.modality.reads_ids
        return self._text(prompt, prepend_bos) if reads_ids else image_named(prompt, self._model)

    def _text(self: "ModelService[ModelFacts]", prompt: str, prepend_bos: bool) -> PromptTokens:
        return text_as_read(prompt, tokenizer_of(self._model), self.facts, prepend_bos and self.facts.has_bos)

    def shortened(self: "ModelService[ModelFacts]", prompt: str, prepend_bos: bool, most: int, end: End) -> str:
        """The first or the last `most` tokens of a text, those that are put around it among them."""
        around = 0 if not (prepend_bos and self.facts.has_bos) else 2 if self.facts.modality.asks_masks else 1
        room = most - around
        return shortened_prompt(prompt, tokenizer_of(self._model), max(1, room), end)

    def kept(self, request: Hashable, compute: Callable[[Any], Value]) -> Value:
        """What `compute` makes of the model, computed once for all sessions while there is room for it."""

        def alone() -> Value:
            with self._lock:  # another session may have computed it while this one waited
                return self._kept.of(request, lambda: compute(self._model))

        return self._kept.of(request, alone)

    def alone(self, compute: Callable[[Any], Value]) -> Value:
        """The same, for what the caller keeps."""
        with self._lock:
            return compute(self._model)

    def has(self, request: Hashable) -> bool:
        """Whether it is kept; what another session is computing is not waited for."""
        return request in self._kept

    @property
    def weights(self) -> HeadWeights:
        """The matrices of all heads, read once."""
        with self._lock:
            self._weights = self._weights or head_weights(self._model)
            return self._weights

    @cached_property
    def _layers_with_patterns(self) -> int:
        return len(layers_with_patterns(self._model))

    def refuse_run(self: "ModelService[ModelFacts]", tokens: Prompt) -> None:
        """Raise ValueError where the patterns would not fit that a run keeps beside queries and keys."""
        self.refuse_patterns(tokens, self._layers_with_patterns)

    def refuse_patterns(self: "ModelService[ModelFacts]", tokens: Prompt, layers: int | None = None) -> None:
        """Raise ValueError where whole patterns of so many layers, of all by default, would not fit."""
        heads = (len(self.facts.head_layers) if layers is None else layers) * self.facts.heads
        needed = heads * len(tokens) ** 2 * 4
        if needed > MOST_PATTERN_BYTES:
            words = self.facts.words
            sentence = (
                f"the patterns of {heads} heads and {len(tokens)} {words.tokens} take {needed / 2**30:.1f} GiB; "
                f"at most {MOST_PATTERN_BYTES / 2**30:.0f} GiB are kept: shorten the {words.prompt}"
            )
            raise PromptTooLongError(sentence, isqrt(MOST_PATTERN_BYTES // (heads * 4)))


def run_request(prompt: str, prepend_bos: bool) -> Hashable:
    """What the run of a prompt is kept under."""
    return "attention", prompt, prepend_bos
