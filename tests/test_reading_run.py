"""A run of a prompt: tokens at the door, the patterns of the model's own hooks, and the predictions after them."""

from typing import Any

import pytest
import torch
from tiny_decoders import CONFIGS, tiny_decoder
from tiny_models import CORPUS, hooked_tiny, tiny_tokenizer
from torch.testing import assert_close
from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

import headscope.interp.reading.token_strings as token_strings_module
from headscope import AttentionSpec, attach
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.next_tokens import next_tokens
from headscope.interp.reading.prompt_tokens import PromptTokens, prompt_tokens
from headscope.models.hooked import hooked
from headscope.models.seam.hooked_kernel import unmasked, visible_cells


def read(prompt: str, tokenizer: PreTrainedTokenizerBase | None = None, bos: bool = False) -> PromptTokens:
    return prompt_tokens(prompt, tokenizer, prepend_bos=bos, vocabulary=300, context=16)


def test_token_strings_join_to_the_prompt() -> None:
    tokens = read("def f(x):\n    return x", tiny_tokenizer())
    assert "".join(tokens.strings) == "def f(x):\n    return x"


def test_bos_comes_first_and_once() -> None:
    tokenizer = tiny_tokenizer()
    plain, with_bos = read("return x", tokenizer), read("return x", tokenizer, bos=True)
    assert with_bos.ids == (tokenizer.bos_token_id, *plain.ids)


def test_part_of_a_character_is_spelled_in_bytes() -> None:
    assert "".join(read("é∑", tiny_tokenizer()).strings) == "<0xC3><0xA9><0xE2><0x88><0x91>"


def test_a_prompt_that_is_too_long_is_refused_before_its_tokens_are_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer()
    monkeypatch.setattr(tokenizer, "decode", pytest.fail)
    monkeypatch.setattr(tokenizer, "convert_ids_to_tokens", pytest.fail)
    with pytest.raises(ValueError, match="at most 16"):
        read("文字😀" * 5_000, tokenizer)


def test_the_table_of_bytes_is_made_once_for_all_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(token_strings_module, "bytes_to_unicode", lambda: made.append(1) or bytes_to_unicode())
    token_strings_module.byte_of_character.cache_clear()
    assert len(read("😀∑é😀", tiny_tokenizer()).strings) > 1 and len(made) == 1


def test_without_a_tokenizer_a_prompt_is_ids() -> None:
    assert read("12 7, 99").ids == (12, 7, 99)


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("12 x", "'x'"),
        ("-3", "'-3'"),
        ("²", "'²'"),
        ("12 300", "300.*0 to 299"),
        ("1 " * 17, "17.*16"),
    ],
)
def test_a_bad_prompt_is_refused_in_a_sentence(prompt: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read(prompt)


def test_bos_without_a_bos_token_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = None
    with pytest.raises(ValueError, match="no beginning-of-sequence"):
        read("x", tokenizer, bos=True)


def test_next_tokens_know_the_token_that_came() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 1.0]])
    likely = next_tokens(logits, torch.tensor([0, 2]), 2)
    assert_close(likely.ids, torch.tensor([[1, 2], [0, 2]]))
    assert_close(likely.probabilities[1, 0], logits[1].softmax(-1)[0])
    assert_close(likely.actual_rank, torch.tensor([1]))
    assert_close(likely.actual_probability, logits[0].softmax(-1)[2:])


def test_next_tokens_of_many_rows_are_those_of_each() -> None:
    logits, ids = torch.randn(600, 9), torch.randint(0, 9, (600,))
    likely, probabilities = next_tokens(logits, ids, 3), logits.softmax(-1)
    assert_close(likely.probabilities, probabilities.topk(3).values)
    assert_close(likely.actual_probability, probabilities[torch.arange(599), ids[1:]])
    assert likely.actual_rank.equal((probabilities[:-1] > likely.actual_probability[:, None]).sum(-1))


@pytest.mark.parametrize("variant", ["softmax", "cog", "expressive", "selective", "polynomial"])
def test_a_run_holds_the_patterns_of_the_model(variant: str) -> None:
    model = hooked_tiny(variant).to(torch.float64)
    tokens = prompt_tokens(CORPUS[0], model.tokenizer, prepend_bos=False, vocabulary=model.cfg.d_vocab, context=64)
    run = attention_run(model, tokens)
    logits, cache = model.run_with_cache(torch.tensor([tokens.ids]))
    expected = torch.stack([cache["pattern", layer][0] for layer in range(model.cfg.n_layers)])
    assert_close(run.patterns, expected)
    assert_close(run.predictions.ids[:, 0], logits[0].argmax(-1))


@pytest.mark.parametrize("variant", ["softmax", "cog", "polynomial"])
def test_a_query_sees_itself_and_the_past(variant: str) -> None:
    model = hooked_tiny(variant)
    tokens = prompt_tokens(CORPUS[0], model.tokenizer, prepend_bos=False, vocabulary=model.cfg.d_vocab, context=64)
    count = len(tokens.ids)
    assert attention_run(model, tokens).visible.equal(torch.ones(model.cfg.n_layers, count, count).tril().bool())


@pytest.mark.parametrize("family", CONFIGS)
def test_masked_cells_are_zero_in_every_family(family: str) -> None:
    model: Any = hooked(attach(tiny_decoder(family), AttentionSpec("cog")))
    run = attention_run(model, PromptTokens(tuple(range(3, 15)), ("x",) * 12))
    hidden = ~run.visible[:, None].expand_as(run.patterns)
    assert run.patterns[hidden].eq(0).all()
    assert run.patterns[~hidden].ne(0).float().mean() > 0.99
    assert model_facts(model).context == 64


def test_a_pattern_that_is_no_number_stays_none() -> None:
    model = hooked_tiny("cog")
    with torch.no_grad():
        model.blocks[1].attn.q.original_component.weight[0, 0] = torch.nan
    run = attention_run(model, PromptTokens(tuple(range(3, 15)), ("x",) * 12))
    assert run.patterns[1, 0].tril().isnan().any() and run.patterns[0].isfinite().all()


def test_a_sliding_window_hides_what_is_far() -> None:
    model: Any = hooked(attach(tiny_decoder("gemma2"), AttentionSpec("cog")))
    run = attention_run(model, PromptTokens(tuple(range(3, 15)), ("x",) * 12))
    seen = run.visible.sum(-1).amax(-1)
    assert set(seen.tolist()) == {6, 12}


def test_a_run_leaves_no_hook_behind() -> None:
    model = hooked_tiny("cog")
    tokens = prompt_tokens(CORPUS[0], model.tokenizer, prepend_bos=False, vocabulary=model.cfg.d_vocab, context=64)
    attention_run(model, tokens)
    assert not [name for name, point in model.hook_dict.items() if point.fwd_hooks]


def test_a_masked_score_is_not_seen_and_a_score_that_is_no_number_is() -> None:
    scores = torch.tensor([0.0, -1e9, torch.nan, torch.inf, -torch.inf, torch.finfo(torch.float32).min])
    assert visible_cells(scores).tolist() == [True, True, True, True, False, False]
    by_kernel = unmasked(scores[None, None, None])[1]
    assert torch.equal(by_kernel.flatten(), visible_cells(scores))
