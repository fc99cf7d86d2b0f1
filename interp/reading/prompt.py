"""Prompt: what a model is run on, the tokens of a text or an image; how it goes in and how the answer comes out."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from transformers import PreTrainedModel

from headscope.interp.reading.hooked_model import HookedModel, module_of, tokenizer_of
from headscope.interp.reading.image_prompt import ImagePrompt
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.token_strings import token_string
from headscope.models.hosts.execution_device import execution_device, floating_dtype
from headscope.models.hosts.families import modality_of

Prompt = PromptTokens | ImagePrompt


def batch_of(model: HookedModel | PreTrainedModel, prompts: Sequence[Prompt]) -> Shaped[Tensor, "prompt ..."]:
    """Prompts of one length as the model takes them: ids [prompt, pos] or pixels [prompt, channel, row, column]."""
    module = module_of(model)
    device, dtype = execution_device(module), floating_dtype(module)
    return torch.stack([prompt.tensor(device, dtype) for prompt in prompts])


def last_logits_alone(prompt: Prompt) -> dict[str, int]:
    """The option of a forward pass that spares logits nobody reads, of a model that answers at the end of a text."""
    return {"logits_to_keep": 1} if prompt.answers_by_position else {}


def logits_by_position(
    model: HookedModel, output: Float[Tensor, "prompt *pos vocab"], prompts: Sequence[Prompt]
) -> Float[Tensor, "prompt pos_or_one answer"]:
    """A language model answers at every position, or at the mask of a text; an image classifier once: at one.

    A model without a head answers nothing: the vocabulary is empty.
    """
    if output.ndim == 2:
        return output[:, None]
    if not is_headed(model):
        return output[..., :0]
    if all(prompt.answers_by_position for prompt in prompts):
        return output
    return torch.stack([row[[prompt.read_out]] for row, prompt in zip(output, prompts, strict=True)])


def reads_ids(model: HookedModel) -> bool:
    """Whether the model reads ids of a vocabulary; else it reads images."""
    return modality_of(model.original_model).reads_ids


def is_headed(model: HookedModel) -> bool:
    """Whether the model ends in logits; else its output is the last residual."""
    return model.cfg.d_vocab_out > 0


def classes_of(model: HookedModel) -> tuple[str, ...]:
    """The names of an image classifier's classes; a language model has none."""
    return getattr(model.cfg, "classes", ())


def answer_names(model: HookedModel) -> Callable[[int], str]:
    """The names of what the model's logits stand for: classes, or tokens; answers of their own have numbers."""
    classes, tokenizer = classes_of(model), tokenizer_of(model) if answers_tokens(model) else None
    return lambda answer: classes[answer] if classes else token_string(answer, tokenizer)


def answers_tokens(model: HookedModel) -> bool:
    """Whether the model's logits are of what it reads, or of classes; else they are of answers of their own."""
    return model.cfg.d_vocab_out == model.cfg.d_vocab


def text_alone(prompt: Prompt) -> PromptTokens:
    """The prompt, if it is a text's. Raises ValueError for an image."""
    if not isinstance(prompt, PromptTokens):
        raise ValueError(f"this asks for the tokens of a text, and {prompt.modality.words.given} was given")
    return prompt


def prompt_of(value: Sequence[int] | Prompt) -> Prompt:
    """A prompt as it is, or ids as one whose tokens have no strings."""
    return value if isinstance(value, Prompt) else PromptTokens(tuple(value), ())
