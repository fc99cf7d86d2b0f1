"""Effective pattern of a text: the public way to ask for what a layer takes of each token's value."""

from collections.abc import Sequence
from typing import Any

from headscope.interp.asking.analyse import refuse_unhooked
from headscope.interp.asking.given_prompts import as_read
from headscope.interp.effective.pattern import EffectivePattern, pattern_of_layer
from headscope.interp.reading.hooked_model import HookedModel, begins_with_bos
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt import Prompt


def effective_pattern(
    model: HookedModel,
    prompt: str | Prompt,
    layer: int,
    *,
    head: int | None = None,
    queries: Sequence[int] | None = None,
    prepend_bos: bool | None = None,
) -> EffectivePattern:
    """What the output of a layer takes of each token's value, signed, whatever mixes the tokens there.

    Attention of every variant, its output gates and value temperatures, Gated DeltaNet, Kimi Delta Attention, Mamba-2
    and lightning attention. a[t, s] is ∂o_t/∂v_s where all entries of the value share it. An output gate, and a norm
    after mixing with its scale frozen, are a number for every entry: a[t, s] is then the projection on what the head
    writes of the token, ⟨u_s, (∂o_t/∂v_s v_s) W_O⟩ / ⟨u_s, u_s⟩ with u_s = v_s W_O; `mixing` has it before them.
    Of a mixer with a short convolution v_s is what comes out of that, and reads a few tokens before s too.

    head: all by default. queries: the positions whose rows are computed, all by default. prepend_bos: as `analyse` has
    it. Raises TypeError for no hooked model, ValueError for a prompt that the model cannot read, a layer, a head or a
    position that is not there, and a layer whose mixing is not known.
    """
    refuse_unhooked(model, "effective_pattern")
    given: Any = [prompt]
    [tokens] = as_read(given, model, model_facts(model), begins_with_bos(model, prepend_bos))
    return pattern_of_layer(model, tokens, layer, head, queries)
