"""Sizes of E4: small decoders on three tasks, and the course that temperatures learn from in trained models."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TemperatureSize:
    """Steps and windows, shape of the decoders, lengths that passkeys are asked at; steps and text of the tempering."""

    steps: int
    batch: int
    d_model: int
    layers: int
    heads: int
    lengths: tuple[int, ...]
    measured: int
    read: int
    tempering_steps: int
    tempering_batch: int
    corpus: str = "stdlib"


SIZES = {
    "smoke": TemperatureSize(3, 4, 16, 2, 2, (64, 128), 8, 2, 2, 2, corpus="own source"),
    "default": TemperatureSize(600, 32, 64, 2, 4, (32, 64, 128, 256, 512), 256, 8, 200, 8),
    "full": TemperatureSize(20_000, 256, 256, 4, 8, (32, 64, 128, 256, 512, 1024), 1024, 32, 3000, 32),
}
