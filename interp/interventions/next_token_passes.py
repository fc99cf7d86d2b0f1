"""Next-token passes: the logits after a text that grows by a token each time, under edits; cached where exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedConfig
from transformers.cache_utils import DynamicCache

from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.touched_run import editing_hooks, logits_of_rows
from headscope.interp.reading.hooked_model import HookedModel, head_layers, module_of
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import floating_dtype
from headscope.models.hosts.linear_map import tolerance

BY_LENGTH = ("dynamic", "longrope")  # transformers' names


@dataclass
class NextTokenPasses:
    """Passes over one growing text. Hooks are state: the caller lets one run in at a time.

    A pass over the new token beside the keys and values of those before it is taken where the first of them was seen
    to give what the whole pass gives; elsewhere (models whose angles know how long the text is, layers that mix tokens
    without heads) every pass is a whole one.
    """

    model: HookedModel
    edits: Sequence[Intervention]
    cache: DynamicCache | None = None
    is_seen: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        is_mixed_elsewhere = len(head_layers(self.model)) < self.model.cfg.n_layers
        if not is_mixed_elsewhere and not turns_by_length(self.model.original_model.config):
            self.cache = DynamicCache()

    def logits(self, ids: tuple[int, ...]) -> Float[Tensor, "vocab"]:
        """Those after the last token, on the CPU, float32 at least; ids: those of the last call and one more."""
        if self.cache is None:
            return self._pass(ids, 0)
        start = self.cache.get_seq_length()
        result = self._pass(ids, start, use_cache=True, past_key_values=self.cache)
        if self.cache.get_seq_length() != len(ids):  # the model keeps nothing, or not all
            self.cache = None
            return result if start == 0 else self._pass(ids, 0)
        if start == 0 or self.is_seen:
            return result
        self.is_seen, whole = True, self._pass(ids, 0)
        if not (result - whole).norm() <= tolerance(floating_dtype(module_of(self.model))) * whole.norm():
            self.cache = None
        return whole

    def _pass(self, ids: tuple[int, ...], start: int, **cache: Any) -> Float[Tensor, "vocab"]:
        read = PromptTokens(ids[start:], ())
        hooks = editing_hooks(edits_of_rows(self.edits, start, len(ids)))
        with patternless():
            return logits_of_rows(
                self.model, torch.tensor([read.ids]), hooks, read, logits_to_keep=1, **(cache or {"use_cache": False})
            )[0, -1]


def turns_by_length(config: PreTrainedConfig) -> bool:
    """Whether rotary angles are other ones in a longer text, whose own run then has other keys than were kept."""
    rope = getattr(config, "rope_parameters", None) or {}
    of_layers = [rope, *(value for value in rope.values() if isinstance(value, Mapping))]
    return any(of_layer.get("rope_type") in BY_LENGTH for of_layer in of_layers)


def edits_of_rows(edits: Sequence[Intervention], start: int, end: int) -> list[Intervention]:
    """The edits as they are in a pass whose rows are those from start to end of the text: other rows' are left out."""
    return [
        edit if edit.query is None else replace(edit, query=edit.query - start)
        for edit in edits
        if edit.query is None or start <= edit.query < end
    ]
