"""Denoising: which of some classes a row is about, where most of its tokens are noise and the others often err."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from headscope.models.data.examples import Examples, examples_of


@dataclass(frozen=True)
class Denoising:
    """A token is noise with probability `noise`; else its row's class with probability `clarity`, or any other class.

    Tokens 0 … classes − 1 are the classes, `noises` more are noise, which says nothing of the class.
    measured: rows held out that a model is measured on.
    """

    classes: int = 16
    noises: int = 16
    noise: float = 0.75
    clarity: float = 0.4
    length: int = 64
    measured: int = 256

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.classes + self.noises

    def __call__(self, dice: np.random.Generator, count: int) -> Examples:
        """Rows whose class is asked for after every token."""
        of_row = dice.integers(self.classes, size=(count, 1))
        shape = (count, self.length)
        other = (of_row + dice.integers(1, self.classes, size=shape)) % self.classes
        words = np.where(dice.random(shape) < self.clarity, of_row, other)
        noise = self.classes + dice.integers(self.noises, size=shape)
        ids = np.where(dice.random(shape) < self.noise, noise, words)
        surprise = np.take_along_axis(-self.log_posterior(ids), of_row[..., None], -1)[..., 0]
        return examples_of(ids, np.broadcast_to(of_row, shape), surprise)

    def log_posterior(self, ids: Int64[np.ndarray, "example pos"]) -> Float[np.ndarray, "example pos class"]:
        """Bayes: each class token multiplies the odds of its class by clarity over a wrong one's probability."""
        counts = (ids[..., None] == np.arange(self.classes)).cumsum(1)
        gained = counts * np.log(self.clarity * (self.classes - 1) / (1 - self.clarity))
        gained = gained - gained.max(-1, keepdims=True)
        return gained - np.log(np.exp(gained).sum(-1, keepdims=True))
