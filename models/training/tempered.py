"""A tempered model: a trained softmax model with selective attention's temperatures, and nothing else to learn."""

from collections.abc import Iterator

from torch import nn
from transformers import PreTrainedModel

from headscope.models.fitting.count import Count
from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec

# σ(α) = exp(−exp β) = 0.0025: at 256 tokens a positional temperature is 1.014 at first, and can learn either way.
STILL = {"paper": -6.0, "paper_code": 1.79}


def temperature_parameters(model: PreTrainedModel) -> Iterator[tuple[str, nn.Parameter]]:
    """What selective attention adds to a model, by name."""
    return ((name, one) for name, one in model.named_parameters() if ".variant." in name)


def tempered(model: PreTrainedModel, spec: AttentionSpec) -> PreTrainedModel:
    """The same model, in place, with temperatures of almost 1 at first; they alone ask for gradients.

    Token temperatures start at w = 0, which changes nothing; positional ones at STILL, as σ(0) ln n would change much.
    Raises ValueError for a spec that is not selective, or adds nothing.
    """
    if spec.variant != "selective":
        raise ValueError(f"tempered takes a selective spec, got {spec.variant!r}")
    model = attach(model, spec).requires_grad_(False)
    added = dict(temperature_parameters(model))
    if not added:
        raise ValueError(f"this spec adds no temperature: {dict(spec.options)}; temper tokens, positions, or both")
    for name, one in added.items():
        if name.endswith(".position"):
            nn.init.constant_(one, STILL[spec.options["position"]])
        one.requires_grad_(True)
    return model


def count(model: PreTrainedModel) -> Count:
    """Temperatures among all parameters."""
    return Count(sum(one.numel() for _, one in temperature_parameters(model)), model.num_parameters())
