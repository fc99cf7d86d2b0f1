"""A plan: how long, how fast and from which seed a model is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Steps, seed, learning rate with its warm-up and schedule, decay, clipping, how often it is measured and saved."""

    steps: int
    seed: int = 0
    lr: float = 1e-3
    warmup: int = 100
    schedule: str = "cosine"
    weight_decay: float = 0.1
    clip: float = 1.0
    precision: str = "float32"
    measure_every: int = 100
    save_every: int = 100
