"""One forward of the smallest input, which finds what shapes cannot: head counts that do not divide, overflow."""

import warnings

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from headscope.models.checkpoints.files.not_finite import not_finite_layers
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.families import family_of, modality_of
from headscope.models.hosts.proof import refuse_unproved
from headscope.models.io.foreign_input import foreign_input
from headscope.models.seam.input_sizes import two_sides

MAX_IMAGE = 2**25  # numbers


def trial_notes(model: PreTrainedModel, origin: str) -> tuple[str, ...]:
    """A sentence for every layer whose weights are not finite, with which a model opens with a warning.

    Raises CheckpointError as `refuse_broken` does.
    """
    notes = not_finite_layers(model)
    if notes:
        warnings.warn(f"{origin}: {'; '.join(notes)}; what is computed from them is not finite", stacklevel=2)
    refuse_broken(model, origin, has_broken_weights=bool(notes))
    return notes


def refuse_broken(model: PreTrainedModel, origin: str, *, has_broken_weights: bool = False) -> None:
    """Raise CheckpointError unless the model gives finite numbers for four token ids, or for a grey ramp."""
    modality = modality_of(model)
    what = f"a forward of {modality.trial_words}"
    if not modality.reads_ids:
        refuse_huge(model.config, origin)
    with foreign_input(f"cannot open {origin}: {what} fails", CheckpointError), torch.no_grad():
        result = model(**modality.trial(model.config))[0]
    if not torch.isfinite(result).all() and not has_broken_weights:
        raise CheckpointError(f"cannot open {origin}: {what} gives {modality.output} that are not finite")
    if not family_of(model.config.model_type).is_listed:
        with foreign_input(f"cannot open {origin}: it takes no variant", CheckpointError):
            refuse_unproved(model)


def refuse_huge(config: PreTrainedConfig, origin: str) -> None:
    """No shape in a header bounds an image: few large patches could fill the memory."""
    height, width = two_sides(config.image_size)
    if (numbers := height * width * config.num_channels) > MAX_IMAGE:
        raise CheckpointError(f"cannot open {origin}: its images have {numbers} numbers; at most {MAX_IMAGE} are read")
