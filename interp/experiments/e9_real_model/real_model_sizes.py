"""Sizes of E9: passages, prompts that grow, the course of few parameters, and weights that are flipped."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RealModelSize:
    """names: documents of a seed, by name; corpus: which ones there are ("stdlib" or "documentation").

    passage: tokens that detectors read. before: tokens of text before a question; lengths: n of its growing prompts;
    samples: unrelated prompts beside each. steps, batch, context, windows: of the course that few parameters learn
    from, and the held-out windows. edited: tokens of the passage whose weights are flipped; layer_step: every so
    many-th layer's heads are.
    """

    names: int
    passage: int
    before: int
    lengths: tuple[int, ...]
    samples: int
    steps: int
    batch: int
    context: int
    windows: int
    edited: int
    layer_step: int
    corpus: str = "stdlib"


SIZES = {
    "smoke": RealModelSize(8, 32, 4, (2, 4, 8), 1, 4, 2, 16, 2, 12, 2, corpus="documentation"),
    "default": RealModelSize(60, 256, 32, (10, 20, 40, 100, 200, 400, 1000, 2000), 1, 24, 1, 64, 3, 40, 3),
    "full": RealModelSize(200, 1024, 64, (10, 30, 100, 300, 1000, 3000, 8000), 8, 300, 8, 256, 64, 256, 1),
}
