"""Kept run: a prompt's untouched pass with the residual stream before every layer, from which edited passes go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from jaxtyping import Float, Shaped
from torch import Tensor

from headscope.interp.interventions.row_changes import UntouchedAnswers, untouched_answers
from headscope.interp.interventions.touched_run import Hook, logits_of_rows
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of, reads_ids
from headscope.models.hooked.bridge import HookedBridge
from headscope.models.hooked.patternless import patternless
from headscope.models.hooked.resumed.resumption import Resumption, resumption

RESIDUAL = "hook_resid_pre"
SEEN = 4  # tokens of a prompt on which it is seen where passes can begin
NUMBERS = 2**24  # logits of a pass: what goes on in memory is bounded, and fits the caches of a CPU


@dataclass(frozen=True)
class KeptRun:
    """What a prompt's untouched pass left: its answers, and the residual stream before every layer."""

    prompt: Prompt
    answers: UntouchedAnswers
    residual: Float[Tensor, "layer pos d_model"]
    resumption: Resumption

    @property
    def logits(self) -> Float[Tensor, "pos_or_one vocab"]:
        """Those of the untouched pass."""
        return self.answers.logits

    def rows(self, most: int) -> int:
        """How many edited copies of the prompt share a pass, `most` of them or fewer."""
        return max(1, min(most, NUMBERS // max(1, len(self.prompt) * self.logits.shape[1])))

    @contextmanager
    def resumed_at(self, layer: int, end: int | None = None) -> Iterator[None]:
        """Inside, passes over the prompt begin at the layer, or the last before it where they can; `end` as there."""
        start = self.resumption.start(layer)
        with patternless(), self.resumption.resumed_at(start, self.residual[start], end):
            yield

    def touched_logits(
        self, model: HookedModel, layer: int, rows: int, hooks: Sequence[Hook]
    ) -> Float[Tensor, "row pos_or_one vocab"]:
        """Logits of so many copies of the prompt under hooks, none of which sits before the layer."""
        batch: Shaped[Tensor, "1 ..."] = batch_of(model, [self.prompt])
        with self.resumed_at(layer):
            return logits_of_rows(model, batch.expand(rows, *batch.shape[1:]), hooks, self.prompt)


def kept_runs(model: HookedModel, prompts: Sequence[Prompt]) -> list[KeptRun]:
    """Every prompt by itself. Hooks are state: the caller lets one run in at a time."""
    begins = model_resumption(model, prompts[0])
    with patternless():
        runs = [gathered_activations(model, [prompt], [RESIDUAL])[0] for prompt in prompts]
    return [KeptRun(run.tokens, untouched_answers(run.logits), run[RESIDUAL], begins) for run in runs]


def model_resumption(model: HookedModel, prompt: Prompt) -> Resumption:
    """Where passes of the model can begin, seen on the first tokens of a prompt, or on an image."""
    batch = batch_of(model, [prompt])
    return resumption(cast(HookedBridge, model), batch[:, :SEEN] if reads_ids(model) else batch)
