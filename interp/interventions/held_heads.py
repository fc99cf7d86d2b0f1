"""Held heads: passes in which all heads mix what they did in the untouched run, but for one that sends at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.interventions.kept_run import NUMBERS, model_resumption
from headscope.interp.interventions.touched_run import logits_of_rows
from headscope.interp.interventions.untouched_run import UntouchedRun, Z
from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.reading.prompt import last_logits_alone
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked.resumed.resumption import Resumption
from headscope.models.hosts.execution_device import floating_dtype
from headscope.models.hosts.linear_map import tolerance


@dataclass(frozen=True)
class Senders:
    """The head of one layer that sends in each row, in which prompt, and what it mixes there."""

    prompt: Int[Tensor, "row"]
    head: Int[Tensor, "row"]
    mixed: Float[Tensor, "row d_head"]


@dataclass(frozen=True)
class HeldHeads:
    """Some prompts of one length with their untouched run; `at` is where they are read out.

    begins: where passes over that position alone can begin. Nothing else moves while all heads are held, so that MLPs
    need no other; None where the model was seen to do more than that, whose passes are whole ones.
    """

    model: HookedModel
    prompts: Sequence[PromptTokens]
    run: UntouchedRun
    at: int
    begins: Resumption | None = None

    def rows(self, most: int) -> int:
        """How many senders share a pass, no more tokens than `most` prompts have."""
        if self.begins is None:
            return most
        return max(1, min(most * len(self.prompts[0]), NUMBERS // self.run.last_logits.shape[1]))

    def logits(self, layer: int, senders: Senders) -> Float[Tensor, "row vocab"]:
        """Those at the read-out of each row's prompt, with its sender in a layer."""
        row, prompt = torch.arange(len(senders.prompt)), senders.prompt
        ids = torch.tensor([self.prompts[i].ids for i in prompt.tolist()])
        if self.begins is None:
            z = self.run.z[:, prompt]
            z[layer, row, self.at, senders.head] = senders.mixed
            return self._answers(ids, z, 0, self.prompts[0])
        start = self.begins.start(layer)
        z = self.run.z[start:, prompt, self.at, None]
        z[layer - start, row, 0, senders.head] = senders.mixed
        with self.begins.resumed_at(start, self.run.residual[start, prompt, None]):
            end = self.prompts[0].ids[self.at]
            return self._answers(ids[:, self.at, None], z, start, PromptTokens((end,), (str(end),)))

    def _answers(
        self, ids: Int[Tensor, "row pos"], z: Float[Tensor, "layer row pos head d_head"], start: int, like: PromptTokens
    ) -> Float[Tensor, "row vocab"]:
        hooks = [(f"blocks.{layer}.{Z}", partial(_put, value=item)) for layer, item in enumerate(z, start)]
        return logits_of_rows(self.model, ids, hooks, like, **last_logits_alone(like))[:, -1]


def _put(
    mixed: Float[Tensor, "row pos head d_head"], hook: object, value: Float[Tensor, "row pos head d_head"]
) -> Float[Tensor, "row pos head d_head"]:
    return value.to(mixed)


def held_heads(model: HookedModel, prompts: Sequence[PromptTokens], run: UntouchedRun) -> HeldHeads:
    """The prompts at their last position alone, if it answers with every head as it was what the whole prompt does."""
    at, begins = prompts[0].read_out % len(prompts[0]), model_resumption(model, prompts[0])
    alone = HeldHeads(model, prompts, run, at, begins)
    every = torch.arange(len(prompts))
    first = torch.zeros_like(every)
    untouched = alone.logits(0, Senders(every, first, run.z[0, every, alone.at, first]))
    off = (untouched - run.last_logits).norm() / run.last_logits.norm()
    return alone if off <= tolerance(floating_dtype(module_of(model))) else replace(alone, begins=None)
