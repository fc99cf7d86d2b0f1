"""Edited run: a prompt with some edits of the weights in it, and in one line what that changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from headscope.interp.asking.applicable import unanswered
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.edited_attention import edited_attention_run
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.in_words import effect_in_words
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.model_facts import ModelFacts


@dataclass(frozen=True)
class EditedRun:
    """The attention of the run, its edits, and what they changed; nothing in a run without edits."""

    run: AttentionRun
    edits: tuple[Intervention, ...] = ()
    change: str = ""


def edited_run(model: HookedModel, facts: ModelFacts, untouched: EditedRun, edits: Sequence[Intervention]) -> EditedRun:
    """The prompt of the untouched run once more, with edits. Raises ValueError for what the run does not have."""
    if not edits:
        return untouched
    tokens = untouched.run.tokens
    run = edited_attention_run(model, tokens, edits)
    if why := unanswered(facts, [tokens]):
        change = f"What the edits change is not weighed: this model {why}."
    else:
        change = effect_in_words(intervene(model, tokens, edits), tokens.words.next_answer)
    return EditedRun(run, tuple(edits), change)
