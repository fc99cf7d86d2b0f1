"""Prompt pair: a clean and a corrupt prompt of one length, and the two tokens between which the model decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.target import token_name
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class PromptPair:
    """Two prompts; `target` is what the clean one calls for, `distractor` what the corrupt one does.

    strings: the texts of these two, where a tokenizer knows them.
    Raises ValueError for prompts of different lengths: activations are moved position by position.
    """

    clean: PromptTokens
    corrupt: PromptTokens
    target: int
    distractor: int
    strings: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        refuse_other_length(self.clean, self.corrupt)

    def __str__(self) -> str:
        target, distractor = self.strings or (None, None)
        return f"{token_name(self.target, target)} against {token_name(self.distractor, distractor)}"

    def to_json(self) -> Fields:
        """What was compared, as plain values."""
        target, distractor = self.strings or (None, None)
        return {
            "target": {"id": self.target, "text": target},
            "distractor": {"id": self.distractor, "text": distractor},
            "corrupt": {"ids": list(self.corrupt.ids), "tokens": list(self.corrupt.strings)},
        }

    @property
    def positions(self) -> tuple[str, ...]:
        """The token of each position, both where the prompts differ."""
        pairs = zip(self.clean.strings, self.corrupt.strings, strict=True)
        return tuple(item if item == other else f"{item} / {other}" for item, other in pairs)

    def difference(self, logits: Float[Tensor, "*batch pos vocab"]) -> Float[Tensor, "*batch"]:
        """Logit of the target less that of the distractor, after the last position."""
        return logits[..., -1, self.target] - logits[..., -1, self.distractor]


def refuse_other_length(clean: PromptTokens, corrupt: PromptTokens) -> None:
    """Raise ValueError for prompts of different lengths."""
    if len(clean.ids) != len(corrupt.ids):
        raise ValueError(
            f"patching needs prompts of one length, but the clean one has {len(clean.ids)} tokens and the corrupt one "
            f"{len(corrupt.ids)}: change a word for one with as many tokens"
        )


def decision(pairs: Sequence[PromptPair]) -> str:
    """Between which two tokens the model decides in some pairs, in words."""
    words = dict.fromkeys(map(str, pairs))
    return next(iter(words)) if len(words) == 1 else f"{len(pairs)} prompts, each with two tokens of its own"


@dataclass(frozen=True)
class Ends:
    """The logit differences of both prompts. Raises ValueError where they are the same: nothing is to be explained."""

    clean: float
    corrupt: float

    def __post_init__(self) -> None:
        if self.clean == self.corrupt:
            raise ValueError(
                f"the clean and the corrupt prompt give the same logit difference, {self.clean:.4g}: choose prompts "
                "or tokens that tell them apart"
            )

    @property
    def gap(self) -> float:
        """What there is to restore."""
        return self.clean - self.corrupt

    def restored(self, difference: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """A logit difference on the scale on which the corrupt prompt is 0 and the clean one is 1."""
        return (difference - self.corrupt) / self.gap
