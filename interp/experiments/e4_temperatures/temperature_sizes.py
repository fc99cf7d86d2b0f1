"""Sizes of E4: small decoders on three tasks, and the course that temperatures learn from in trained models."""

from dataclasses import dataclass

from headscope.interp.experiments.e7_language import language_models
from headscope.interp.experiments.e7_language.language_models import LanguageSize

LANGUAGE = {  # the models that are tempered
    "smoke": language_models.SIZES["smoke"],
    "default": LanguageSize(steps=1000, d_model=96, layers=4, heads=4, vocabulary=2048, context=128, batch=16),
    "full": language_models.SIZES["full"],
}


@dataclass(frozen=True)
class TemperatureSize:
    """Steps and windows, shape of the decoders, lengths that passkeys are asked at; steps, rates and text of tempering.

    language: of LANGUAGE, the softmax models that learn a few parameters more.
    """

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
    rates: tuple[float, ...]
    language: str
    corpus: str = "stdlib"


SIZES = {
    "smoke": TemperatureSize(
        steps=3,
        batch=4,
        d_model=16,
        layers=1,
        heads=1,
        lengths=(64, 128),
        measured=8,
        read=2,
        tempering_steps=2,
        tempering_batch=2,
        rates=(1e-2, 3e-2),
        language="smoke",
        corpus="own source",
    ),
    "default": TemperatureSize(
        steps=1500,
        batch=32,
        d_model=64,
        layers=1,
        heads=1,
        lengths=(32, 64, 128, 256, 512),
        measured=256,
        read=8,
        tempering_steps=200,
        tempering_batch=8,
        rates=(1e-3, 3e-3, 1e-2, 3e-2),
        language="default",
    ),
    "full": TemperatureSize(
        steps=20_000,
        batch=256,
        d_model=256,
        layers=1,
        heads=1,
        lengths=(32, 64, 128, 256, 512, 1024),
        measured=1024,
        read=32,
        tempering_steps=3000,
        tempering_batch=32,
        rates=(3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
        language="full",
    ),
}
