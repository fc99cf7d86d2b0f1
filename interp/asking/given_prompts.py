"""Given prompts: what `analyse` was given, texts, ids or images, as the model reads it."""

from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import (
    PromptTokens,
    ids_between_ends,
    prompt_of_ids,
    prompt_tokens,
    refuse_unreadable_ids,
)
from headscope.models.hosts.modality import TEXT

Given = str | Prompt | Sequence[str] | Sequence[Prompt]


def as_read(
    prompts: Sequence[str] | Sequence[Prompt], model: HookedModel, facts: ModelFacts, prepend_bos: bool
) -> list[Prompt]:
    """Each prompt as the ids that the model reads, or as the image. Raises ValueError for one that it cannot read."""
    refuse_no_prompts(prompts)
    refuse_other_kind(prompts, facts)
    if not facts.modality.reads_ids:
        return [prompt for prompt in prompts if not isinstance(prompt, str)]
    tokenizer = tokenizer_of(model)
    for prompt in prompts:
        if isinstance(prompt, PromptTokens):
            refuse_unreadable_ids(prompt.ids, vocabulary=facts.vocabulary, context=facts.context)
    read = [
        read_by_model(prompt, facts)
        if isinstance(prompt, PromptTokens)
        else text_as_read(str(prompt), tokenizer, facts, prepend_bos)
        for prompt in prompts
    ]
    is_asked = all(prompt.mask is not None for prompt in read)
    return [prompt if is_asked else replace(prompt, mask=None) for prompt in read]


def text_as_read(
    text: str, tokenizer: PreTrainedTokenizerBase | None, facts: ModelFacts, prepend_bos: bool
) -> PromptTokens:
    """A text as the ids that the model reads; prepend_bos: with its own tokens around it, where it asks masks."""
    sizes = {"vocabulary": facts.vocabulary, "context": facts.context}
    if tokenizer is not None and prepend_bos and facts.modality.asks_masks:
        return read_by_model(prompt_of_ids(ids_between_ends(text, tokenizer), tokenizer, **sizes), facts)
    return read_by_model(prompt_tokens(text, tokenizer, prepend_bos=prepend_bos, **sizes), facts)


def read_by_model(prompt: PromptTokens, facts: ModelFacts) -> PromptTokens:
    """The prompt as what it is to such a model: tokens in order or all at once, continued or answered.

    Of several masks the first is asked; a mask that the prompt names itself stays.
    """
    masks = [place for place, token in enumerate(prompt.ids) if token == facts.mask_id]
    mask = next(iter(masks), None) if prompt.mask is None else prompt.mask
    return replace(prompt, is_ordered=facts.is_causal, is_continued=facts.continues_texts, mask=mask)


def refuse_no_prompts(prompts: object) -> None:
    """Raise ValueError for none, and TypeError for what is neither texts nor prompts, such as bare ids."""
    values = list(prompts) if isinstance(prompts, Sequence) else [prompts]
    if not values:
        raise ValueError("no prompt was given; give a text or an image, or several")
    for value in values:
        if not isinstance(value, str | Prompt):
            raise TypeError(
                "a prompt is a text, a PromptTokens (of ids) or an ImagePrompt, or several are; "
                f"got {type(value).__name__}"
            )


def refuse_other_kind(prompts: Sequence[str] | Sequence[Prompt], facts: ModelFacts) -> None:
    """Raise ValueError for a text where the model reads images, and the other way round."""
    for prompt in prompts:
        value = TEXT if isinstance(prompt, str) else prompt.modality
        if not facts.modality.takes(value):
            raise ValueError(
                f"this model reads {facts.reads}s, and {value.words.given} was given: {facts.modality.how_given}"
            )
