"""Edited attention: the attention of a run with edits of its patterns in it."""

from collections.abc import Sequence

from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.touched_run import editing_hooks, refuse_outside
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.watch import Progress


def edited_attention_run(
    model: HookedModel, tokens: Prompt, edits: Sequence[Intervention], watch: Progress = lambda *stage: None
) -> AttentionRun:
    """attention_run with edits made in their order. Raises ValueError for an edit of what the run does not have."""
    refuse_outside(model, len(tokens), edits)
    return attention_run(model, tokens, edits=editing_hooks(edits), watch=watch)
