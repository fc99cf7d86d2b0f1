"""A converter: one layout of others' code, how it is recognised, what it must be told, and the model that it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class ConvertedModel:
    """The fields of a config.json, attention_spec among them, and the tensors by the names of transformers' model."""

    fields: Fields
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Converter:
    """A row of the table.

    kind: what sentences call such a checkpoint. recognises: whether one is such, by names and shapes of its tensors and
    by its keys, never by the file's name. facts: what it must know, by name. convert: the model, computing the same;
    CheckpointError where no host computes it.
    """

    kind: str
    recognises: Callable[[ForeignCheckpoint], bool]
    convert: Callable[[ForeignCheckpoint, KnownFacts], ConvertedModel]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    modality: Modality = TEXT
