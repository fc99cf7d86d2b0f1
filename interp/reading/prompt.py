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

Prompt = PromptTokens | ImagePrompt


def batch_of(model: HookedModel | PreTrainedModel, prompts: Sequence[Prompt]) -> Shaped[Tensor, "prompt ..."]:
    """Prompts of one length as the model takes them: ids [prompt, pos] or pixels [prompt, channel, row, column]."""
    module = module_of(model)
    device, dtype = execution_device(module), floating_dtype(module)
    return torch.stack([prompt.tensor(device, dtype) for prompt in prompts])


def last_logits_alone(prompt: Prompt) -> dict[str, int]:
    """The option of a forward pass that spares logits nobody reads; an image classifier has one row of them anyhow."""
    return {"logits_to_keep": 1} if prompt.answers_by_position else {}


def logits_by_position(logits: Float[Tensor, "prompt *pos vocab"]) -> Float[Tensor, "prompt pos_or_one vocab"]:
    """A language model answers at every position, an image classifier once: at one."""
    return logits[:, None] if logits.ndim == 2 else logits


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
