"""Unit: one analysis of one checkpoint on one set of prompts, known by all that its numbers depend on."""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from headscope.interp.asking.choices import Choices


@dataclass(frozen=True)
class Checkpoint:
    """A model's folder or file. weights: sha256 of all that it is read from. size: bytes of that.

    run: what it is called; step: of its training, where it is a snapshot.
    """

    run: str
    step: int | None
    place: Path
    weights: str
    size: int

    @property
    def title(self) -> str:
        """The run with the step."""
        return checkpoint_title(self.run, self.step)


@dataclass(frozen=True)
class PromptSet:
    """Texts under a name; several have means. bos: whether BOS comes before them; None: where the tokenizer puts it."""

    name: str
    texts: tuple[str, ...]
    bos: bool | None = None


@dataclass(frozen=True)
class Unit:
    """What is measured at a time. version: of the analysis, which goes up when its numbers change."""

    checkpoint: Checkpoint
    analysis: str
    version: int
    prompts: PromptSet
    choices: Choices

    @cached_property
    def key(self) -> str:
        """The same for the same weights, analysis and arguments, wherever they lie and whatever they are called."""
        options = {name: value for name, value in vars(self.choices).items() if name != "run"}
        arguments = [self.prompts.texts, self.prompts.bos, options]
        words = json.dumps([self.checkpoint.weights, self.analysis, self.version, arguments], sort_keys=True)
        return sha256(words.encode()).hexdigest()[:32]

    @property
    def title(self) -> str:
        """What is measured of what, on what."""
        return f"{self.analysis} of {self.checkpoint.title} on {self.prompts.name}"


def checkpoint_title(run: str, step: int | None) -> str:
    """A run's name, with the step where it is a snapshot."""
    return run if step is None else f"{run} at {step}"
