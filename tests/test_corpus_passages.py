"""A head across a corpus: pieces of texts, and the rows and tokens of them where a head does most of something."""

from functools import cache
from typing import Any

import pytest
import torch
from tiny_encoders import masked_model
from tiny_models import CORPUS, hooked_tiny, tiny_model
from tiny_vits import tiny_vit

from headscope.interp.analysis import Setting
from headscope.interp.corpus.extremes import MEASURES, joined_extremes, passage_extremes
from headscope.interp.corpus.head_passages import head_passages, most_extreme
from headscope.interp.corpus.passages import SHORTEST, Passage, corpus_passages, spread_passages
from headscope.interp.deletion.contributions import contributions
from headscope.interp.deletion.rows import own_ov_terms
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.reading.activations import SCORES, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.data.document import Document
from headscope.models.hooked import hooked

TEXTS = [CORPUS[0] * 3, CORPUS[1] * 4, "x"]


@cache
def cog() -> Any:
    return hooked_tiny("cog")


@cache
def passages() -> list[Passage]:
    return corpus_passages(cog(), TEXTS, count=6, length=24)


def test_a_passage_reads_as_its_tokens_and_stands_in_its_text() -> None:
    model = cog()
    for passage in passages():
        assert tuple(model.plain_tokenizer.encode(passage.text, add_special_tokens=False)) == passage.tokens.ids
        text = TEXTS[int(passage.name.removeprefix("text "))]
        assert text[passage.start :].startswith(passage.text) and 8 <= len(passage.tokens) <= 24


def test_passages_are_spread_over_all_texts_and_all_of_a_short_one_is_read() -> None:
    places = [(passage.name, passage.start) for passage in passages()]
    assert len(places) == 6 and {name for name, _ in places} == {"text 0", "text 1"} and places == sorted(places)
    whole = corpus_passages(cog(), [CORPUS[0]], count=100, length=64)
    assert "".join(passage.text for passage in whole) == CORPUS[0]


def test_what_does_not_begin_where_another_ends_begins_with_a_line_or_a_word() -> None:
    text = "one two\nthree four\nfive six\nseven"

    def read(document: Document, start: int) -> Passage | None:
        piece = document.text[start : start + 3]
        return Passage(piece, PromptTokens((), ()), document.name, start) if piece else None

    found = spread_passages([Document("a", text)], 4, read)
    assert [passage.start for passage in found] == [0, text.index("three"), text.index("five"), text.index("seven")]


def by_hand(passage: Passage) -> dict[str, torch.Tensor]:
    """Of every head the number of every cell or row, by the analyses that the app has besides."""
    model = cog()
    [run] = gathered_activations(model, [passage.tokens], ["attn.hook_pattern", "attn.hook_v", SCORES, *SCALES])
    setting = Setting(model_facts(model), lambda: head_weights(model))
    pattern = run["attn.hook_pattern"]
    places = [(layer, head) for layer in range(3) for head in range(2)]
    own = contributions(pattern, own_ov_terms(setting, run), scale_to_logits(run), places).contribution
    negative = pattern.clamp(max=0).abs().sum(-1) / pattern.abs().sum(-1)
    cells = own.unflatten(0, (3, 2))
    counted = slice(SHORTEST - 1, None)
    return {
        "strongest_weight": pattern.abs()[..., counted, 1:].flatten(2).amax(-1),
        "negative_mass": negative[..., counted].amax(-1),
        "deletion": (-cells)[..., counted, 1:].flatten(2).amax(-1),
        "copying": cells[..., counted, 1:].flatten(2).amax(-1),
        "pattern": pattern,
    }


def test_extremes_are_those_of_the_analyses_and_stand_where_they_are_said_to() -> None:
    model = cog()
    extremes = passage_extremes(model, [passage.tokens for passage in passages()])
    for at, passage in enumerate(passages()):
        hand = by_hand(passage)
        for measure, name in enumerate(MEASURES):
            torch.testing.assert_close(extremes.value[measure, at], hand[name], atol=1e-5, rtol=1e-4)
        row, key, weight = (field[:, at] for field in (extremes.row, extremes.key, extremes.weight))
        layer, head = torch.meshgrid(torch.arange(3), torch.arange(2), indexing="ij")
        assert (key <= row).all() and (row >= SHORTEST - 1).all() and (key[[0, 2, 3]] > 0).all()
        for measure in range(len(MEASURES)):
            torch.testing.assert_close(weight[measure], hand["pattern"][layer, head, row[measure], key[measure]])


def test_passages_that_share_a_pass_have_what_each_has_alone() -> None:
    model = cog()
    tokens = [passage.tokens for passage in passages()]
    together, alone = passage_extremes(model, tokens), joined_extremes([passage_extremes(model, [it]) for it in tokens])
    torch.testing.assert_close(together.value, alone.value, atol=1e-5, rtol=1e-4)
    assert torch.equal(together.row, alone.row) and torch.equal(together.key, alone.key)


@pytest.mark.parametrize("by", ["negative_mass", "copying"])
def test_the_most_extreme_come_first_beside_the_other_heads(by: str) -> None:
    model, seen = cog(), list[tuple[int, int]]()
    result = head_passages(model, TEXTS, 1, 0, by, 3, count=6, length=24, watch=lambda *done: seen.append(done))
    values = passage_extremes(model, [passage.tokens for passage in passages()]).value[MEASURES.index(by)]
    own, order = values[:, 1, 0], values[:, 1, 0].argsort(descending=True)[:3]
    torch.testing.assert_close(result.value, own[order], atol=1e-5, rtol=1e-4)
    assert result.texts == tuple(passages()[at].text for at in order.tolist()) and seen[-1] == (6, 6)
    others = torch.cat([values[order].flatten(1)[:, :2], values[order].flatten(1)[:, 3:]], 1)
    torch.testing.assert_close(result.value_null, others.mean(1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(result.value_null_spread, others.std(1, correction=0), atol=1e-5, rtol=1e-3)
    assert result.usual == pytest.approx(float(own.mean()), abs=1e-4) and result.read == 6


def test_the_weight_is_named_as_one_that_a_flip_turns_and_copying_is_not() -> None:
    result = head_passages(cog(), TEXTS, 1, 0, "copying", 3, count=2, length=24)
    assert result.about.depends_on_gauge("weight") and not result.about.depends_on_gauge("value")


def test_what_is_not_there_is_refused_in_a_sentence() -> None:
    model = cog()
    for layer, head, by, words in (
        (7, 0, "copying", "there is no head L7H0"),
        (0, 0, "coping", "unknown measure .*did you mean .copying."),
    ):
        with pytest.raises(ValueError, match=words):
            head_passages(model, TEXTS, layer, head, by)
    with pytest.raises(ValueError, match="no passage of 8 tokens"):
        corpus_passages(model, ["x"])
    with pytest.raises(ValueError, match="this model has no tokenizer"):
        corpus_passages(hooked(tiny_model("cog")), TEXTS)
    with pytest.raises(ValueError, match="this model reads images"):
        corpus_passages(hooked(tiny_vit()), TEXTS)
    softmax: Any = hooked_tiny("softmax")
    read = corpus_passages(softmax, TEXTS, count=2, length=24)
    extremes = passage_extremes(softmax, [passage.tokens for passage in read])
    with pytest.raises(ValueError, match="L1H0 does nothing of the kind in 2 passages"):
        most_extreme(softmax, read, extremes, 1, 0, "negative_mass")


def test_an_encoder_is_read_with_its_own_tokens_around_each_passage() -> None:
    from tiny_encoders import word_tokenizer

    model: Any = hooked(masked_model(), word_tokenizer())
    [passage] = corpus_passages(model, ["the cat sat on the mat and the dog sat on the cat"], count=1, length=16)
    tokenizer = model.plain_tokenizer
    assert passage.tokens.ids[0] == tokenizer.cls_token_id and passage.tokens.ids[-1] == tokenizer.sep_token_id
