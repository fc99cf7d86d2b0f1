"""Story prompts: gifts between pairs of names that no model has read together, and how they are answered."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from headscope.interp.arms.trial import Numbers
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.prompt_tokens import PromptTokens, prompt_tokens, single_token
from headscope.models.data.tasks.indirect_objects import SEED, held_out_gifts, of_strangers
from headscope.models.data.tasks.story import GIFTS, MEETINGS, Story

ROWS = 64


def mixed_gifts(count: int) -> list[Story]:
    """Of all templates, for accuracy."""
    return held_out_gifts(count, SEED)


def alike_gifts(count: int) -> list[Story]:
    """All of one template and so of one length, for circuits."""
    return [replace(story, meeting=MEETINGS[0], deed=GIFTS[0]) for story in held_out_gifts(count, SEED + 1)]


def story_pairs(stories: Sequence[Story], model: HookedModel) -> list[PromptPair]:
    """Each story beside the same one of three strangers; the target is given something, the distractor gives."""
    dice = np.random.default_rng(SEED)
    return [story_pair(story, of_strangers(story, dice), model) for story in stories]


def story_pair(clean: Story, corrupt: Story, model: HookedModel) -> PromptPair:
    """Two stories of one template."""
    [target], distractor = clean.answers, clean.actor
    prompts = story_tokens(clean, model), story_tokens(corrupt, model)
    return PromptPair(*prompts, name_id(target, model), name_id(distractor, model), strings=(target, distractor))


def name_id(name: str, model: HookedModel) -> int:
    """The token of a name."""
    return single_token(f" {name}", tokenizer_of(model), model.cfg.d_vocab)


def story_tokens(story: Story, model: HookedModel) -> PromptTokens:
    """A story's prompt where a text begins."""
    sizes = {"vocabulary": model.cfg.d_vocab, "context": model.cfg.n_ctx}
    return prompt_tokens(story.prompt, tokenizer_of(model), prepend_bos=True, **sizes)


def answer_numbers(model: HookedModel, pairs: Sequence[PromptPair]) -> Numbers:
    """Shares of prompts whose likeliest token is the target, and that prefer it to the distractor; logit difference."""
    right, differences = [], []
    for some in batches(pairs, ROWS, lambda pair: len(pair.clean.ids)):
        for pair, run in zip(some, gathered_activations(model, [pair.clean for pair in some], []), strict=True):
            right.append(int(run.logits[-1].argmax()) == pair.target)
            differences.append(pair.difference(run.logits))
    difference = torch.stack(differences)
    return {
        "accuracy": sum(right) / len(right),
        "preference": float((difference > 0).float().mean()),
        "logit_difference": float(difference.mean()),
    }
