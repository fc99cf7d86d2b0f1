"""Tempering: a softmax model from a folder learns temperatures on a text, and is saved with them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headscope.models.attention import VARIANTS
from headscope.models.attention.options import Options
from headscope.models.checkpoints import OpenedModel, open_folder
from headscope.models.fitting.fit import watch_no_record
from headscope.models.fitting.history import Record
from headscope.models.hooked.loading import place_of
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.json_file import write_json
from headscope.models.training.own_text import refuse_without_tokenizer
from headscope.models.training.partial import Course, LearnedPart, LearningOutcome, train_part
from headscope.models.training.tempered import tempered_model

FACTS = "tempering.json"


@dataclass(frozen=True)
class Tempering:
    """How a model is tempered: the temperatures' options, and what they learn from."""

    options: Options = field(default_factory=dict)
    course: Course = field(default_factory=Course)


def temper(
    source: str | Path, out: Path, how: Tempering, watch: Callable[[Record], None] = watch_no_record
) -> LearningOutcome:
    """Temper a shipped model or a folder's into the folder `out`; called again, it goes on where it was stopped.

    All other weights of `out` are those of the source, bit for bit. Raises ValueError for a model that is not softmax
    or has no tokenizer, and for an `out` that holds something else.
    """
    result = train_part(softmax_model(place_of(source)), temperature_part(how.options), how.course, out, watch)
    write_json(out / FACTS, result.to_json())
    return result


def softmax_model(place: Path) -> OpenedModel:
    """The model of a folder in its own number format, refused where it cannot be tempered."""
    opened = open_folder(place, dtype="auto")
    if opened.spec != AttentionSpec("softmax"):
        raise ValueError(f"{place} carries {opened.spec.in_words} attention; only a softmax model can be tempered")
    refuse_without_tokenizer(opened, place)
    return opened


def temperature_part(options: Options) -> LearnedPart:
    """The temperatures of these options, of the first variant of the table that learns any."""
    variant = next(name for name, row in VARIANTS.items() if row.learns_temperatures)
    spec = AttentionSpec(variant, **options)
    return LearnedPart("tempered", spec, lambda model: tempered_model(model, spec))
