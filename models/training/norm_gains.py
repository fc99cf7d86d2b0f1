"""Norm gains alone: what a model gains where the norms inside its layers learn, and nothing else."""

from transformers import PreTrainedModel

from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.partial import LearnedPart

GAINS = ("input_layernorm.weight", "post_attention_layernorm.weight")


def norm_gains_alone(model: PreTrainedModel) -> PreTrainedModel:
    """The same model, in place; the gains of the norms inside its layers alone ask for gradients.

    Raises ValueError for a model that names its norms otherwise than Llama.
    """
    model.requires_grad_(False)
    gains = [item for name, item in model.named_parameters() if name.endswith(GAINS)]
    if not gains:
        raise ValueError(f"a {type(model).__name__} has no parameter that ends in {' or '.join(GAINS)}")
    for gain in gains:
        gain.requires_grad_(True)
    return model


NORM_GAINS = LearnedPart("norm_gains", AttentionSpec("softmax"), norm_gains_alone)
