"""Recognition: which converter knows a file, and which of its state dicts is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headscope.models.checkpoints.converters.candidates import WHOLE, candidates, checked_tensors, is_average
from headscope.models.checkpoints.converters.converter import Converter
from headscope.models.checkpoints.converters.facts import Given
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.notes_beside import tables_beside
from headscope.models.checkpoints.converters.table import CONVERTERS
from headscope.models.checkpoints.files.foreign_file import file_contents
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names

WEIGHTS = "weights"  # the fact that names one of several state dicts
MOST_NAMES = 3


@dataclass(frozen=True)
class Recognition:
    """A converter and what it converts; note: which state dict was taken of several, as the end of a sentence."""

    converter: Converter
    checkpoint: ForeignCheckpoint
    note: str


def recognition(file: Path, given: Given) -> Recognition:
    """What the file is taken for. CheckpointError where no converter knows it, with names of tensors that it holds."""
    present = candidates(file, file_contents(file), tables_beside(file))
    with foreign_input(
        f"cannot open {file}: its tensors have the names of a known layout, not its shapes", CheckpointError
    ):
        known = {
            label: (converter, checkpoint)
            for label, checkpoint in present.items()
            for converter in CONVERTERS.values()
            if converter.recognises(checkpoint)
        }
    if not known:
        raise CheckpointError(f"cannot open {file}: {unknown_layout(present)}")
    label = chosen_label(file, [*known], given)
    converter, checkpoint = known[label]
    return Recognition(converter, checked_tensors(checkpoint), note_of_choice(label, known))


def chosen_label(file: Path, labels: list[str], given: Given) -> str:
    """The state dict that was asked for, or the first, which is no average where there is another."""
    if (label := given.get(WEIGHTS)) is None:
        return labels[0]
    if label not in labels:
        raise CheckpointError(
            f"cannot open {file}: weights={label!r} was given; there are {known_names(label, labels)}"
        )
    return str(label)


def note_of_choice(label: str, known: Mapping[str, object]) -> str:
    """Which of several state dicts was taken, or that it is an average."""
    others = [other for other in known if other != label]
    if others:
        return f"the weights {label!r}, beside which there are {', '.join(map(repr, others))} (weights=…)"
    return f"averaged weights, {label!r}" if is_average(label) and label != WHOLE else ""


def unknown_layout(present: Mapping[str, ForeignCheckpoint]) -> str:
    """What a file holds that no converter knows, and what to do."""
    checkpoint = max(present.values(), key=lambda checkpoint: len(checkpoint.tensors))
    names = ", ".join(repr(name) for name in [*checkpoint.tensors][:MOST_NAMES])
    kinds = ", ".join(converter.kind for converter in CONVERTERS.values())
    return (
        f"its {len(checkpoint.tensors)} tensors ({names}, …) are of no layout that is known here: {kinds}; load it "
        "with the code that wrote it, then headscope.save(model, new); one of Hugging Face needs its config.json beside"
    )
