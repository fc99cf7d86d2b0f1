"""Choices: what only some analyses read, and how it becomes prompts, token ids and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.attribution.patching import last_logits
from headscope.interp.circuits.distance import ANGLES, relative_rotation, score_weights
from headscope.interp.circuits.embeddings import effective_embedding
from headscope.interp.reading.hooked_model import HookedModel, head_layers, tokenizer_of
from headscope.interp.reading.prompt import answers_tokens
from headscope.interp.reading.prompt_pair import PromptPair, refuse_other_length
from headscope.interp.reading.prompt_tokens import PromptTokens, single_token
from headscope.interp.reading.token_strings import token_string
from headscope.interp.score.parts import cell_of
from headscope.interp.weights.head_weights import HeadWeights
from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names

EMBEDDINGS = ("token", "effective")


@dataclass(frozen=True)
class Choices:
    """corrupt: a prompt as long as the first, for patching. target, distractor: the tokens between which the model
    decides, each the text of one token (or its id without a tokenizer); else the likeliest after either prompt.
    run: the folder of a training run, for trajectories. embedding: what circuits read, token (W_E) or effective (with
    the first MLP added). distance: how many positions apart query and key are in W_QK of a model that rotates them.
    cell: the place of a pattern whose score is split, as L4H0:17:16; None: the largest weight of the last row.
    without: the mechanism that heads are run without, as interp/mechanisms/switch.py names those of a model.
    """

    corrupt: str | None = None
    target: str | None = None
    distractor: str | None = None
    run: str | Path | None = None
    embedding: str = "token"
    distance: int = 0
    cell: str | None = None
    without: str | None = None

    def __post_init__(self) -> None:
        if self.embedding not in EMBEDDINGS:
            raise ValueError(f"unknown embedding {self.embedding!r}; known: {known_names(self.embedding, EMBEDDINGS)}")
        if type(self.distance) is not int or self.distance < 0:
            raise ValueError(f"distance is a whole number from 0, got {self.distance!r}")
        if self.cell is not None:
            cell_of(self.cell)
        if self.corrupt is None and (self.target is not None or self.distractor is not None):
            raise ValueError(
                "a target or distractor was given without a corrupt prompt, which patching needs: give one"
            )

    def to_json(self) -> Fields:
        """What was chosen otherwise than by default, as plain values; of a folder its name."""
        entry = {name: value for name, value in vars(self).items() if value != getattr(Choices, name)}
        return {name: Path(value).name if name == "run" else value for name, value in entry.items()}


def refuse_distance(model: HookedModel, choices: Choices) -> None:
    """Raise ValueError for a distance where nothing is rotated by it."""
    if choices.distance and f"blocks.{head_layers(model)[0]}.{ANGLES[0]}" not in model.hook_dict:
        raise ValueError(
            f"distance {choices.distance} was asked for, but this model does not rotate queries and keys, so that W_QK "
            "is the same at every distance: leave it at 0"
        )


def circuit_weights(model: HookedModel, weights: HeadWeights, choices: Choices) -> HeadWeights:
    """The weights as circuits are to read them; refuse_distance says where a distance is none."""
    if choices.distance:
        weights = score_weights(weights, relative_rotation(model, choices.distance))
    return (
        replace(weights, W_E=effective_embedding(model, weights.W_E)) if choices.embedding == "effective" else weights
    )


def prompt_pair(model: HookedModel, clean: PromptTokens, corrupt: PromptTokens, choices: Choices) -> PromptPair:
    """The pair with its two tokens, chosen or what the model expects.

    Raises ValueError for prompts of different lengths, and for a target that is the distractor.
    """
    tokenizer, vocabulary = tokenizer_of(model) if answers_tokens(model) else None, model.cfg.d_vocab_out
    value = {
        name: single_token(text, tokenizer, vocabulary)
        for name in ("target", "distractor")
        if (text := getattr(choices, name)) is not None
    }
    refuse_other_length(clean, corrupt)
    tokens = expected(last_logits(model, [clean, corrupt]), value)
    target, distractor = (token_string(token, tokenizer) for token in tokens.values())
    return PromptPair(clean, corrupt, **tokens, strings=(target, distractor))


def expected(logits: Float[Tensor, "2 vocab"], value: Mapping[str, int]) -> dict[str, int]:
    """Target and distractor: those given, else the likeliest after the clean and, but for it, the corrupt prompt."""
    clean, corrupt = logits
    target = value.get("target", int(clean.argmax()))
    others = corrupt.index_fill(0, torch.tensor(target), -torch.inf)
    distractor = value.get("distractor", int(others.argmax()))
    if target == distractor:
        raise ValueError(
            f"target and distractor are both token {target}, so there is nothing to decide: name two tokens"
        )
    return {"target": target, "distractor": distractor}
