"""Material: what a model is trained on, whatever it is, and what that decides of the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerBase

from headscope.models.fitting.objective import Objective
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class Material:
    """An objective, and the fields of a config that it decides.

    context: tokens of the longest row that is shown, 0 for images. tokenizer: that of a text. facts: of a text, its
    hash ("sha256") and the Python that it was read by ("python") among them; a run goes on with equal hashes alone.
    """

    objective: Objective
    decides: Fields
    context: int = 0
    tokenizer: PreTrainedTokenizerBase | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


def token_fields(vocabulary: int, begin: int | None = None, end: int | None = None) -> dict[str, int | None]:
    """The fields of a config that tokens decide.

    No token pads: where padding is the first token too, its embedding would never be trained.
    """
    return {"vocab_size": vocabulary, "bos_token_id": begin, "eos_token_id": end, "pad_token_id": None}
