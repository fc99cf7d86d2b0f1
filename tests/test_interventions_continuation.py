"""A text that is continued with edits held on: every new token is that of the plain model on the longer prompt."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from tiny_encoders import masked_model
from tiny_families import unlisted
from tiny_models import CORPUS, hooked_tiny
from tiny_vits import tiny_vit
from transformers import LlamaConfig, LlamaForCausalLM

from headscope import AttentionSpec, attach
from headscope.interp.interventions.continuation import Continuation, continuation, parting
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.next_token_passes import NextTokenPasses, edits_of_rows, turns_by_length
from headscope.interp.interventions.touched_run import editing_hooks, logits_of_prompt
from headscope.interp.reading.hooked_model import head_layers
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.token_strings import token_string
from headscope.models.hooked import hooked

IDS = (5, 9, 2, 7, 5, 9, 11)
PROMPT = PromptTokens(IDS, tuple(map(str, IDS)))
EDITS = (
    Intervention("flip", 0, 1),
    Intervention("zero", 1, 0, query=3),
    Intervention("scale", 2, 0, query=6, key=2, value=3.0),
    Intervention("zero", 2, 1, key=4),
)


def stretched() -> Any:
    """A model whose angles change once a text is longer than it was trained on."""
    torch.manual_seed(0)
    rope = {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 4.0}
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=99, **sizes, max_position_embeddings=8, rope_parameters=rope)
    config.max_position_embeddings = 64
    return hooked(attach(LlamaForCausalLM(config).eval(), AttentionSpec("cog")))


MODELS = {
    "softmax": lambda: hooked_tiny("softmax"),
    "cog": lambda: hooked_tiny("cog"),
    "selective": lambda: hooked_tiny("selective"),
    "experts": lambda: hooked(unlisted("mixtral")),
    "a hybrid": lambda: hooked(unlisted("lfm2")),
    "angles by length": stretched,
}


@cache
def made(name: str) -> Any:
    return MODELS[name]()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("edits", [(), EDITS], ids=["untouched", "edited"])
def test_every_new_token_is_the_plain_models_on_the_longer_prompt(name: str, edits: tuple[Intervention, ...]) -> None:
    model = made(name)
    edits = tuple(replace(edit, layer=head_layers(model)[edit.layer % len(head_layers(model))]) for edit in edits)
    passes = NextTokenPasses(model, edits)
    ids, hooks = IDS, editing_hooks(edits)
    for _ in range(6):
        plain = logits_of_prompt(model, PromptTokens(ids, tuple(map(str, ids))), hooks)[-1]
        torch.testing.assert_close(passes.logits(ids), plain, atol=1e-4, rtol=0)
        ids = (*ids, int(plain.argmax()))
    result = continuation(model, PROMPT, edits, tokens=6)
    assert result.whole.ids == ids[: len(result.whole)] and (result.ends or len(result.ids) == 6)


def test_one_token_a_pass_is_computed_where_that_is_exact_and_nowhere_else() -> None:
    expected = {"softmax": True, "cog": True, "selective": True, "experts": True}
    for name in MODELS:
        passes = NextTokenPasses(made(name), ())
        passes.logits(IDS)
        passes.logits((*IDS, 3))
        assert (passes.cache is not None) is expected.get(name, False), name
    assert turns_by_length(made("angles by length").original_model.config)


def test_a_cache_that_gives_other_numbers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    passes, plain = (NextTokenPasses(made("cog"), ()) for _ in range(2))
    plain.cache = None
    passes.logits(IDS)
    assert passes.cache is not None
    passes.cache.layers[0].values *= 1.1  # type: ignore[operator]
    for longer in ((*IDS, 3), (*IDS, 3, 4)):
        torch.testing.assert_close(passes.logits(longer), plain.logits(longer), atol=1e-4, rtol=0)
    assert passes.cache is None


def test_an_edit_of_a_row_is_made_in_the_pass_that_has_it() -> None:
    row, cell, column = Intervention("zero", 1, 0, query=3), Intervention("zero", 1, 0, query=6, key=2), EDITS[3]
    assert edits_of_rows([row, cell, column], 0, 7) == [row, cell, column]
    assert edits_of_rows([row, cell, column], 6, 7) == [Intervention("zero", 1, 0, query=0, key=2), column]


def test_log_probabilities_are_those_of_the_chosen_tokens_and_texts_their_strings() -> None:
    model = made("cog")
    steps: list[Continuation] = []
    result = continuation(model, CORPUS[1][:30], tokens=4, watch=steps.append)
    assert [len(step.ids) for step in steps] == [1, 2, 3, 4] and steps[-1] is result
    logits = logits_of_prompt(model, result.whole)
    known = logits.log_softmax(-1)[torch.arange(len(result.prompt_ids) - 1, len(result.whole) - 1), result.ids]
    torch.testing.assert_close(result.log_probability, known, atol=1e-4, rtol=1e-4)
    assert result.strings == tuple(token_string(token, model.plain_tokenizer) for token in result.ids.tolist())


def test_the_text_ends_with_the_token_that_ends_texts() -> None:
    model: Any = hooked_tiny("cog")
    free = continuation(model, PROMPT, tokens=5)
    model.plain_tokenizer.eos_token = model.plain_tokenizer.convert_ids_to_tokens(int(free.ids[2]))
    ended = continuation(model, PROMPT, tokens=5)
    first = free.ids.tolist().index(int(free.ids[2]))
    assert ended.ends and ended.ids.tolist() == free.ids[: first + 1].tolist()


def test_two_continuations_part_at_the_first_other_token() -> None:
    model = made("cog")
    plain, edited = (continuation(model, PROMPT, edits, tokens=6) for edits in ((), EDITS))
    at = parting(plain, edited)
    assert at is not None and plain.ids[:at].tolist() == edited.ids[:at].tolist() and plain.ids[at] != edited.ids[at]
    assert parting(plain, plain) is None
    assert parting(plain, continuation(model, PROMPT, tokens=3)) == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda: hooked(masked_model()), "is an encoder"), (lambda: hooked(tiny_vit()), "reads images")],
    ids=["an encoder", "a vision transformer"],
)
def test_a_model_that_continues_no_text_says_so(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"continues no text: it {words}"):
        continuation(make(), PROMPT)


def test_what_cannot_be_continued_is_refused_in_a_sentence() -> None:
    model = made("cog")
    with pytest.raises(ValueError, match="ask for 57 new ones at most"):
        continuation(model, PROMPT, tokens=58)
    with pytest.raises(ValueError, match="one new token at least"):
        continuation(model, PROMPT, tokens=0)
    with pytest.raises(ValueError, match="query 7; this run has query 0 to 6"):
        continuation(model, PROMPT, [Intervention("zero", 0, 0, query=7)])
    with pytest.raises(ValueError, match="with these edits the logits are no numbers"):
        continuation(model, PROMPT, [Intervention("set", 0, value=3e38)])
