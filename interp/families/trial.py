"""Family trial: a tiny random model of one family, attached, hooked and read; what came of it, or why not."""

from dataclasses import asdict, dataclass

import torch
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention import VARIANTS
from headscope.models.hooked import HookedBridge, hooked
from headscope.models.hosts.attachment import attach, spec_of
from headscope.models.hosts.families import FAMILIES, PICTURE_ENCODERS, family_of, is_family, modality_of
from headscope.models.hosts.modality import TEXT
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.seam.factors import FACTORS
from headscope.models.seam.own_attention import OWN
from headscope.models.seam.tiny_config import tiny_config

MOST_NUMBERS = 3 * 10**7
SPREAD, NEAR = 0.1, 1e-4
PROMPT = range(3, 12)
BEYOND = (
    *FACTORS,
    *(hook for variant in VARIANTS.values() for hook in variant.option_hooks),
    *(hook for own in OWN.values() for hook in own.hooks),
)


@dataclass(frozen=True)
class FamilyTrial:
    """What one family was seen to do.

    opens, hooks: empty where it does, else the reason. alone: why its own attention alone is hooked, where no variant
    takes its place. off: the largest difference of a hooked logit from the plain
    model's (without a head, of the last hidden state). circuits: names of weight_laws.LAWS that fail in it, each with
    how; None where nothing was hooked. sizes: of the model that was tried. beyond: hooks of what its attention has
    beside scores and weights.
    """

    family: str
    opens: str = ""
    hooks: str = ""
    off: float | None = None
    circuits: dict[str, str] | None = None
    sizes: str = ""
    beyond: tuple[str, ...] = ()
    alone: str = ""

    def to_json(self) -> Fields:
        """As plain values."""
        return asdict(self)


def tried_families() -> list[str]:
    """The names of all that may be tried: language models of text alone and encoders, listed or not, by name."""
    known = {*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_MASKED_LM_MAPPING_NAMES, *PICTURE_ENCODERS}
    others = {name for name in known if is_family(name)}
    return sorted(others | {name for name, family in FAMILIES.items() if family.modality is TEXT})


def family_trial(name: str) -> FamilyTrial:
    """A tiny random model of the family with cog attention, hooked, its matrices held against what it does."""
    try:
        model = tiny_random_model(name)
    except Exception as fault:  # a config's class raises what it likes for sizes that do not fit together
        return FamilyTrial(name, opens=f"no tiny model of it is made here: {first_line(fault)}")
    sizes = model_sizes(model)
    modality = modality_of(model)
    given = torch.tensor([list(PROMPT)]) if modality.reads_ids else modality.trial(model.config)["pixel_values"]
    try:
        alone = why_alone(model)
    except ValueError as refusal:
        return FamilyTrial(name, opens=str(refusal), sizes=sizes)
    with torch.no_grad():
        plain = model(given)[0]
    try:
        bridge = hooked(model)
    except ValueError as refusal:
        return FamilyTrial(name, hooks=str(refusal), sizes=sizes, alone=alone)
    with torch.no_grad():
        off = float((bridge(given) - plain).abs().max())
    words = "" if off <= NEAR else f"hooked outputs are {off:.1e} off"
    misread = dict(head_weights(bridge).misread)
    return FamilyTrial(name, "", words, off, misread, sizes, hooks_beyond(bridge), alone)


def why_alone(model: PreTrainedModel) -> str:
    """The model with a variant in it, or else its own attention and why no other. Raises ValueError where neither."""
    try:
        attach(model, AttentionSpec("cog"))
    except ValueError as refusal:
        if spec_of(attach(model, AttentionSpec("softmax"))) == AttentionSpec("softmax"):
            raise
        return str(refusal)
    return ""


def hooks_beyond(bridge: HookedBridge) -> tuple[str, ...]:
    """The names of the hooks of what stands beside scores and weights in any layer's attention."""
    names = {name.rpartition(".")[2] for name in bridge.hook_dict}
    return tuple(name for name in BEYOND if name in names)


def tiny_random_model(name: str) -> PreTrainedModel:
    """A model whose weights, norms and biases are all stirred. Raises ValueError for one that would not be tiny."""
    config, head = tiny_config(name), family_of(name).modality.head
    with torch.device("meta"):
        numbers = sum(parameter.numel() for parameter in head.from_config(config).parameters())
    if numbers > MOST_NUMBERS:
        raise ValueError(f"the smallest that its config makes has {numbers} numbers")
    torch.manual_seed(0)
    model = head.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * SPREAD)
    return model


def model_sizes(model: PreTrainedModel) -> str:
    """Layers, heads and key heads of a model, in words."""
    config = model.config
    heads = getattr(config, "num_attention_heads", "?")
    groups = getattr(config, "num_key_value_heads", None) or heads
    return f"{config.num_hidden_layers} × {heads} heads, {groups} of keys, d_model {config.hidden_size}"


def first_line(fault: BaseException) -> str:
    """The first line of an error."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]
