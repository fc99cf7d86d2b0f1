"""The layer between models and analyses: what is asked is what is cached, prompts of one length share a pass."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_models import hooked_tiny, tiny_model, tiny_tokenizer
from tokenizers.processors import TemplateProcessing
from torch.testing import assert_close

from headscope.interp.analysis import Analysis, AnalysisRequest, Probe
from headscope.interp.asking import applicable as fitting
from headscope.interp.asking import computed
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.averaged import averaged
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.given_prompts import refuse_no_prompts
from headscope.interp.attribution.direct import DirectAttribution
from headscope.interp.reading.activations import SCORES
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.report.page import report
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.models.hooked import hooked

ABOUT = About("Mass on the diagonal", "1", "mean of A[t, t]", "headscope", by_gauge={"odd": ("value",)})
PROMPTS = ["return x", "return y", "class Point:\n    def"]


def diagonal(setting: Any, run: Any) -> HeadScore:
    return HeadScore(run["attn.hook_pattern"].diagonal(dim1=-2, dim2=-1).mean(-1), about=ABOUT)


def norms(setting: Any, run: Any) -> HeadScore:
    return HeadScore(setting.weights.W_O.norm(dim=(-2, -1)), about=ABOUT)


def length(asked: AnalysisRequest, watch: Any) -> HeadScore:
    watch(1, 1)
    count = float(sum(len(prompt) for prompt in asked.prompts))
    return HeadScore(torch.full((asked.model.cfg.n_layers, asked.model.cfg.n_heads), count), about=ABOUT)


ROWS = (
    Analysis("diagonal", "where a token reads itself", ("attn.hook_pattern",), diagonal),
    Analysis("norms", "how large W_O is", (), norms),
    Analysis("tokens", "one number per token", ("attn.hook_pattern",), diagonal, over_tokens=True),
    Analysis("tempered", "what temperatures do", (), norms, applies=lambda facts: facts.variant == "selective"),
    Probe("lengths", "how long a prompt is", length),
    Probe("all_lengths", "how long all prompts are", length, together=True),
    Probe(
        "patched", "what patching does", length, over_tokens=True, missing=lambda asked: "" if asked.pair else "lacks"
    ),
)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "ANALYSES", {row.name: row for row in ROWS})


@pytest.fixture(scope="module")
def model() -> Any:
    return hooked_tiny("cog")


def test_one_prompt_gives_its_own_numbers(model: Any) -> None:
    _, cache = model.run_with_cache("return x", prepend_bos=False)
    expected = torch.stack(
        [cache[f"blocks.{i}.attn.hook_pattern"][0].diagonal(dim1=-2, dim2=-1).mean(-1) for i in range(3)]
    )
    assert_close(analyse(model, "return x", ["diagonal"])["diagonal"].tensors()["value"], expected)


@pytest.mark.parametrize("prepends", [True, False])
def test_a_text_begins_as_in_run_with_cache(prepends: bool) -> None:
    """With BOS where the tokenizer itself puts it, in both; unless chosen otherwise."""
    tokenizer = tiny_tokenizer()
    if prepends:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.bos_token_id)]
        )
    model: Any = hooked(tiny_model("cog"), tokenizer)
    _, cache = model.run_with_cache("return x")
    own = torch.stack([cache[f"blocks.{i}.attn.hook_pattern"][0].diagonal(dim1=-2, dim2=-1).mean(-1) for i in range(3)])
    found = analyse(model, "return x", ["diagonal"])
    assert_close(found["diagonal"].tensors()["value"], own)
    assert (text_alone(*found.prompts).ids[0] == tokenizer.bos_token_id) == prepends
    chosen = analyse(model, "return x", ["diagonal"], prepend_bos=not prepends).prompts
    assert (text_alone(*chosen).ids[0] == tokenizer.bos_token_id) != prepends


@pytest.mark.parametrize("call", ["run_with_cache", "to_tokens", "forward", "to_str_tokens", "generate"])
def test_a_text_is_refused_in_one_sentence_where_there_is_no_tokenizer(call: str) -> None:
    with pytest.raises(ValueError, match="this model has no tokenizer, so it reads token ids"):
        getattr(hooked(tiny_model("cog")), call)("return x")
    with pytest.raises(ValueError, match="this model has no tokenizer, so the prompt is token ids such as '12 7 99'"):
        analyse(hooked(tiny_model("cog")), "return x")


def test_by_default_all_that_fits_is_analysed(model: Any) -> None:
    assert list(analyse(model, "return x")) == ["diagonal", "norms", "tokens", "lengths", "all_lengths"]
    assert list(analyse(model, PROMPTS)) == ["diagonal", "norms", "lengths", "all_lengths"]


def test_several_prompts_give_mean_and_spread(model: Any) -> None:
    together, apart = analyse(model, PROMPTS, batch_size=2), [analyse(model, one)["diagonal"] for one in PROMPTS]
    values = torch.stack([one.tensors()["value"] for one in apart])
    assert_close(together["diagonal"].tensors()["value"], values.mean(0))
    assert_close(together.spread["diagonal"].tensors()["value"], values.std(0, correction=0))


def test_prompts_of_one_length_share_a_pass(model: Any) -> None:
    seen: list[tuple[str, int, int]] = []
    analyse(model, [*PROMPTS, "return x"], ["diagonal"], watch=lambda *said: seen.append(said))
    assert seen == [("prompts", 3, 4), ("prompts", 4, 4)]


def test_prompts_that_would_keep_too_much_run_apart(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    together = analyse(model, ["return x"] * 4, ["diagonal"])
    monkeypatch.setattr(computed, "KEPT", 1)
    seen: list[int] = []
    apart = analyse(model, ["return x"] * 4, ["diagonal"], watch=lambda _, done, of: seen.append(done))
    assert seen == [1, 2, 3, 4]
    assert_close(apart["diagonal"].tensors(), together["diagonal"].tensors())


def test_the_memory_of_prompts_grows_with_the_square_of_their_tokens_and_that_of_their_logits_with_it(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = replace(model_facts(model), vocabulary=0)
    monkeypatch.setattr(computed, "KEPT", 2**40)  # so many that whole prompts say the ratio
    few, many = (computed.prompts_within_memory(facts, [SCORES], tokens) for tokens in (256, 1024))
    assert few / many == pytest.approx(16, rel=1e-3)
    facts = replace(facts, vocabulary=50_000)
    few, many = (computed.prompts_within_memory(facts, [], tokens) for tokens in (256, 1024))
    assert few / many == pytest.approx(4, rel=1e-3)


def test_weights_alone_need_no_pass(model: Any) -> None:
    analyse(model, PROMPTS, ["norms"], watch=lambda *said: pytest.fail("the model was run"))


def test_a_probe_takes_one_prompt_after_the_other_or_all_together(model: Any) -> None:
    seen: list[tuple[str, int, int]] = []
    found = analyse(model, PROMPTS, ["lengths", "all_lengths"], watch=lambda *said: seen.append(said))
    one, both = (found[name].tensors()["value"] for name in ("lengths", "all_lengths"))
    assert_close(both, one * len(PROMPTS))
    assert list(found.spread) == ["lengths"]
    assert seen == [("lengths", 1, 1)] * 3 + [("all_lengths", 1, 1)]


def test_a_corrupt_prompt_makes_a_pair_with_what_the_model_expects_after_either(model: Any) -> None:
    found = analyse(model, "return x", choices=Choices(corrupt="return y"))
    assert "patched" in found


def test_chosen_tokens_are_the_pair_s(model: Any) -> None:
    asked = asked_of(model, ["return x"], Choices("return y", target=" x", distractor=" y"), prepend_bos=False)
    ids = model.tokenizer.encode(" x y", add_special_tokens=False)
    assert asked.pair is not None and [asked.pair.target, asked.pair.distractor] == ids


@pytest.mark.parametrize(("distance", "embedding"), [(3, "token"), (0, "effective")])
def test_circuits_read_the_weights_that_are_chosen(distance: int, embedding: str, model: Any) -> None:
    plain, chosen = (
        asked_of(model, ["x"], choices, prepend_bos=False).setting.weights
        for choices in (Choices(), Choices(distance=distance, embedding=embedding))
    )
    assert bool((plain.W_Q == chosen.W_Q).all()) == (distance == 0)
    assert bool((plain.W_E == chosen.W_E).all()) == (embedding == "token")


@pytest.mark.parametrize(("variant", "dependent"), [("cog", True), ("softmax", False), ("expressive", False)])
def test_what_depends_on_the_gauge_is_said_of_the_model_s_own_kernels(variant: str, dependent: bool) -> None:
    said = analyse(hooked_tiny(variant), "return x", ["diagonal"])["diagonal"].to_json()
    assert said["fields"]["value"]["gauge_dependent"] == dependent


@pytest.mark.parametrize(
    ("prompts", "what", "refusal"),
    [
        (
            "x",
            ["focus"],
            "unknown analysis 'focus'; known: diagonal, norms, tokens, tempered, lengths, all_lengths, patched",
        ),
        ("x", ["tempered"], "tempered says nothing about a model with cog attention: what temperatures do"),
        (PROMPTS, ["tokens"], "tokens runs over the tokens of one prompt, and 3 were given"),
        ("x", [], "no analysis was asked for"),
        ([], None, "no prompt was given"),
        ("", None, "the prompt is empty"),
        ("x", ["patched"], "patched lacks"),
    ],
)
def test_what_does_not_fit_is_refused(prompts: Any, what: Any, refusal: str, model: Any) -> None:
    with pytest.raises(ValueError, match=refusal):
        analyse(model, prompts, what)


@pytest.mark.parametrize(
    ("prompt", "refusal"),
    [
        (PromptTokens((), ()), "the prompt is empty"),
        (PromptTokens((3,) * 65, ("a",) * 65), "the prompt has 65 tokens, but this model reads at most 64"),
        (PromptTokens((300,), ("a",)), "token id 300 is outside the vocabulary"),
    ],
)
def test_ids_that_the_model_cannot_read_are_refused(prompt: PromptTokens, refusal: str, model: Any) -> None:
    with pytest.raises(ValueError, match=refusal):
        analyse(model, prompt, ["diagonal"])


def test_what_is_left_out_says_why(model: Any) -> None:
    left_out = analyse(model, PROMPTS).to_json()["left_out"]
    assert left_out["tokens"] == left_out["patched"] == "runs over the tokens of one prompt, and 3 were given: give one"
    assert analyse(model, "x").left_out["patched"] == "lacks" and analyse(model, "x", ["norms"]).left_out == {}


def test_findings_carry_the_question_of_every_analysis(model: Any) -> None:
    assert analyse(model, "x", ["norms"]).questions == {"norms": "How large W_O is"}


@pytest.mark.parametrize(
    ("unhooked", "refusal"),
    [
        ("cog", r"analyse takes a hooked model, got 'cog': use load\('cog'\)"),
        (
            torch.nn.Linear(1, 1),
            "analyse takes a hooked model, got a Linear: use headscope.load or headscope.hooked",
        ),
    ],
)
def test_what_is_no_hooked_model_is_refused(unhooked: Any, refusal: str) -> None:
    with pytest.raises(TypeError, match=refusal):
        analyse(unhooked, "x")


def test_what_was_chosen_is_stored(model: Any) -> None:
    found = analyse(model, "return x", ["norms"], choices=Choices(distance=2, embedding="effective"))
    assert found.to_json()["choices"] == {"distance": 2, "embedding": "effective"}


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [
        ({"distance": -1}, "distance is a whole number from 0, got -1"),
        ({"corrupt": "class Point"}, "patching needs prompts of one length, but the clean one has"),
        ({"corrupt": "return y", "target": "return x"}, "one token was asked for, and 'return x' is"),
        ({"corrupt": "return y", "target": " x", "distractor": " x"}, "target and distractor are both token"),
        ({"target": " x"}, "a target or distractor was given without a corrupt prompt"),
        ({"embedding": "mean"}, "unknown embedding 'mean'; known: token, effective"),
        ({"distance": 64}, "distance 64 lies outside this model's context"),
    ],
)
def test_choices_that_cannot_be_are_refused(choices: dict[str, Any], refusal: str, model: Any) -> None:
    with pytest.raises(ValueError, match=refusal):
        analyse(model, "return x", choices=Choices(**choices))


def test_results_that_say_other_things_of_every_prompt_have_no_mean() -> None:
    heads, parts = torch.zeros(1, 1), torch.zeros(1)
    of_two = [DirectAttribution(heads, heads, heads, parts, parts, parts, of, about=ABOUT) for of in "ab"]
    with pytest.raises(ValueError, match="says another thing of every prompt"):
        averaged(of_two)


def test_the_table_of_heads_has_a_row_per_head(model: Any) -> None:
    frame = analyse(model, "return x").to_frame()
    assert list(frame.columns)[:4] == ["layer", "head", "attention", "diagonal.value"]
    assert len(frame) == 6


def test_json_is_strict_and_has_the_spread(model: Any) -> None:
    said = json.loads(json.dumps(analyse(model, PROMPTS).to_json(), allow_nan=False))
    assert said["analyses"]["diagonal"]["prompts"] == 3
    assert len(said["analyses"]["diagonal"]["spread"]["value"]) == 3
    assert "spread" not in said["analyses"]["norms"]


def test_a_report_needs_no_network_and_shows_text_as_text(model: Any) -> None:
    page = report([analyse(model, "<s> **x** </script>"), analyse(model, "return x")])
    assert "cdn." not in page.split("</script>")[-1] and 'src="http' not in page
    assert "&lt;s&gt; **x** &lt;/script&gt;" in page
    assert page.count("gauge-dependent") >= 2 and page.count("class='figures pair'") == len(ROWS) - 2


@pytest.mark.parametrize(
    "value, kind", [(3, "int"), ([1, 2], "int"), (torch.ones(1, 3).long(), "Tensor"), (None, "NoneType")]
)
def test_what_is_no_prompt_is_refused_by_its_kind(value: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"a prompt is a text, a PromptTokens .* or several are; got {kind}"):
        refuse_no_prompts(value)
