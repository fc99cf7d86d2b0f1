"""Hooked models in use: caches and generation, tokenizers, refusals, neighbours."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hooked_cases import GROUPED, case, close
from tiny_decoders import CONFIGS, SPECS, VOCABULARY, attached, packed_row, random_ids, tiny_decoder
from tiny_models import hooked_tiny
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from headscope import AttentionSpec, save
from headscope.models.hooked import HookedBridge, hooked
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.attachment import attachment_of

every_family = pytest.mark.parametrize("family", CONFIGS)
every_spec = pytest.mark.parametrize("name", SPECS)


@every_family
@every_spec
def test_a_cache_gives_the_logits_of_the_full_forward(family: str, name: str) -> None:
    bridge, ids = case(family, name).bridge, random_ids(1, 11)
    first, keys = bridge(ids[:, :8], return_type="logits_and_cache", use_cache=True)
    rest = []
    for t in range(8, 11):
        step, keys = bridge(ids[:, t : t + 1], past_key_values=keys, return_type="logits_and_cache")
        rest.append(step)
    close(torch.cat([first, *rest], 1), bridge(ids))


@every_family
@every_spec
def test_a_row_of_documents_is_the_documents_alone(family: str, name: str) -> None:
    bridge, (documents, call) = case(family, name).bridge, packed_row()
    alone = torch.cat([bridge(ids) for ids in documents], 1)
    close(bridge(call["input_ids"], position_ids=call["position_ids"]), alone)
    with patternless():
        close(bridge(call["input_ids"], position_ids=call["position_ids"]), alone)


@every_family
@pytest.mark.parametrize("name", ["cog", "selective"])
@pytest.mark.parametrize("cached", [True, False])
def test_it_generates_what_the_plain_model_generates(family: str, name: str, cached: bool) -> None:
    plain: Any = attached(family, name)
    ids = random_ids(1, 6)
    expected = plain.generate(ids, max_new_tokens=5, do_sample=False)
    options: dict[str, Any] = {"do_sample": False, "stop_at_eos": False, "verbose": False, "return_type": "tokens"}
    written = case(family, name).bridge.generate(ids, max_new_tokens=5, use_past_kv_cache=cached, **options)
    assert written.tolist() == expected.tolist()


@every_spec
def test_the_hooked_model_knows_its_spec(name: str) -> None:
    bridge = case("llama", name).bridge
    assert isinstance(bridge, HookedBridge)
    assert bridge.attention_spec.variant == SPECS[name].variant
    assert bridge.attention_spec.layers == SPECS[name].layers


def test_a_text_beyond_the_context_is_refused_unless_it_may_be_cut() -> None:
    bridge = hooked_tiny("cog")
    with pytest.raises(ValueError, match=r"the text has .* tokens, this model reads 64"):
        bridge("return x\n" * 64)
    assert bridge.to_tokens("return x\n" * 64, truncate=True).shape == (1, 64)


def test_a_model_that_nothing_was_attached_to_is_softmax() -> None:
    plain, ids = tiny_decoder("llama"), random_ids()
    before = plain(ids).logits
    bridge = hooked(plain)
    assert bridge.attention_spec == AttentionSpec("softmax")
    close(bridge(ids), before)


@every_family
@pytest.mark.parametrize("unknown", [-1, VOCABULARY])
def test_ids_outside_the_vocabulary_are_refused(family: str, unknown: int) -> None:
    bridge = case(family, "cog").bridge
    with pytest.raises(ValueError, match=f"token id {unknown} is outside the vocabulary; this model knows 0 to 98"):
        bridge.run_with_cache(torch.tensor([[3, unknown, 4]]))


@every_family
def test_no_ids_are_refused(family: str) -> None:
    with pytest.raises(ValueError, match="at least one"):
        case(family, "cog").bridge(torch.zeros(1, 0, dtype=torch.long))


def test_positions_that_were_not_learned_are_refused() -> None:
    with pytest.raises(ValueError, match="position 64 is outside the context"):
        case("gpt2", "cog").bridge(random_ids(1, 65))


def test_a_hooked_model_is_not_hooked_again() -> None:
    bridge = hooked(attached("llama", "cog"))
    with pytest.raises(ValueError, match="hooked already"):
        hooked(bridge.original_model)  # type: ignore[arg-type]


def test_a_model_without_a_language_head_is_refused() -> None:
    with pytest.raises(ValueError, match="LlamaModel"):
        hooked(tiny_decoder("llama").model)


def test_a_spec_that_plain_transformers_read_but_did_not_attach_is_refused(tmp_path: Path) -> None:
    plain = AutoModelForCausalLM.from_pretrained(save(attached("llama", "cog"), tmp_path / "cog"))
    with pytest.raises(ValueError, match=r"config.json says cog, but nothing is attached .* or use load\(folder\)"):
        hooked(plain)
    assert plain.config.attention_spec["variant"] == "cog"


def test_a_stored_softmax_spec_needs_nothing_attached(tmp_path: Path) -> None:
    folder = save(attached("llama", "softmax"), tmp_path / "softmax")
    plain: Any = AutoModelForCausalLM.from_pretrained(folder)
    assert hooked(plain).attention_spec == AttentionSpec("softmax")


def test_gpt_neox_without_attention_biases_is_refused_untouched() -> None:
    plain = tiny_decoder("gpt_neox", attention_bias=False)
    with pytest.raises(ValueError, match="query_key_value with its bias, which attention_bias=False leaves out"):
        hooked(plain)
    assert attachment_of(plain) is None


def additive(hidden: float) -> Tensor:
    """The causal rule as a prepared mask [1, 1, 12, 12], which also hides the key 3 from the queries after it."""
    mask = torch.full((12, 12), hidden).triu(1)
    mask[4:, 3] = hidden
    return mask[None, None]


@every_family
@pytest.mark.parametrize("name", ["softmax", "cog", "expressive", "polynomial"])
def test_a_prepared_mask_hides_with_any_large_number(family: str, name: str) -> None:
    bridge, ids = case(family, name).bridge, random_ids()
    expected = bridge(ids, attention_mask=additive(1.0) == 0)
    assert (expected - bridge(ids)).abs().max() > 1e-2
    for hidden in (-1e4, -1e9, torch.finfo(torch.float32).min, -torch.inf):
        assert torch.equal(bridge(ids, attention_mask=additive(hidden)), expected)


@pytest.mark.parametrize("family", GROUPED)
def test_a_prepared_mask_may_come_by_its_place(family: str) -> None:
    bridge, ids = case(family, "cog").bridge, random_ids()
    by_name = bridge(ids, attention_mask=additive(-1e9))
    assert torch.equal(bridge.original_model(ids, additive(-1e9)).logits, by_name)


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_prepared_masks_may_come_by_kind_of_layer(family: str) -> None:
    model, ids = case(family, "cog").bridge.original_model, random_ids()
    kinds = {"full_attention", "sliding_attention"}
    expected = model(ids, attention_mask=dict.fromkeys(kinds, additive(1.0) == 0)).logits
    assert torch.equal(model(ids, attention_mask=dict.fromkeys(kinds, additive(-1e9))).logits, expected)


@every_family
def test_a_prepared_mask_of_other_numbers_is_refused(family: str) -> None:
    with pytest.raises(
        ValueError, match=r"-1e4 or less where it is hidden; got torch.float32 with values from -7 to 0"
    ):
        case(family, "cog").bridge(random_ids(), attention_mask=additive(-7.0))


@every_family
def test_other_models_of_the_family_stay_as_they_are(family: str) -> None:
    other, ids = tiny_decoder(family, seed=3), random_ids()
    before = other(ids).logits
    bridge = hooked(attached(family, "cog"))
    bridge(ids)
    assert torch.equal(other(ids).logits, before)


def test_two_threads_do_not_mix_their_temperatures() -> None:
    bridge = case("llama", "selective").bridge
    prompts = [random_ids(1, 4 + n) for n in range(6)] * 5
    with torch.no_grad():
        expected = [bridge(ids) for ids in prompts]
    with ThreadPoolExecutor(3) as threads:
        told = list(threads.map(torch.no_grad()(bridge), prompts))
    assert all(torch.equal(one, other) for one, other in zip(told, expected, strict=True))


def tokenizer(**special: str) -> PreTrainedTokenizerFast:
    """A tokenizer of words with the vocabulary of the tiny models; special tokens only as given."""
    words = {"<end>": 0, "a": 1, "b": 2, "c": 3, "d": 4} | {f"w{i}": i for i in range(5, VOCABULARY)}
    core = Tokenizer(WordLevel(words, unk_token="<end>"))
    core.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, **special)


def test_a_beginning_token_is_prepended_once_when_asked_for() -> None:
    bridge = hooked(attached("llama", "cog"), tokenizer(bos_token="<end>", eos_token="<end>"))
    assert bridge.to_tokens("a b", prepend_bos=True).tolist() == [[0, 1, 2]]
    assert bridge.to_tokens("a b", prepend_bos=False).tolist() == [[1, 2]]


def test_the_tokenizer_keeps_its_vocabulary() -> None:
    given = tokenizer()
    bridge = hooked(attached("llama", "cog"), given)
    assert bridge.to_tokens("a b").tolist() == [[1, 2]]
    assert given.get_vocab() == bridge.tokenizer.get_vocab()
    assert given.pad_token is None


def test_a_list_of_prompts_is_padded_invisibly() -> None:
    given = tokenizer(bos_token="<end>", eos_token="<end>", padding_side="left")
    bridge = hooked(attached("gpt2", "selective"), given)
    with pytest.raises(ValueError, match="set it to True and leave prepend_bos out"):
        bridge(["a b", "a b c d a"], prepend_bos=True)
    close(bridge(["a b", "a b c d a"])[0, -2:], bridge("a b")[0])
    bridge.cfg.default_prepend_bos = True
    together = bridge(["a b", "a b c d a"])
    close(together[0, -3:], bridge("a b")[0])


def test_it_writes_text() -> None:
    given = tokenizer(bos_token="<end>", eos_token="<end>")
    bridge: Any = hooked(attached("llama", "cog"), given)
    options = {"max_new_tokens": 3, "do_sample": False, "stop_at_eos": False, "verbose": False}
    ids = bridge.generate(torch.tensor([[0, 1, 2]]), **options, return_type="tokens")
    assert bridge.generate("a b", **options, prepend_bos=True) == given.decode(ids[0], skip_special_tokens=True)
    assert ids.shape == (1, 6)
