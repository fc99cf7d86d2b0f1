"""The layer between models and analyses: what is asked is what is cached, prompts of one length share a pass."""

import json
from typing import Any

import pytest
import torch
from tiny_models import hooked_tiny
from torch.testing import assert_close

from interp import analyse as module
from interp.about import About
from interp.analyse import analyse
from interp.analysis import Analysis
from interp.head_score import HeadScore
from interp.report import report

ABOUT = About("Mass on the diagonal", "1", "mean of A[t, t]", "headscope", gauge_dependent=("value",))
PROMPTS = ["return x", "return y", "class Point:\n    def"]


def diagonal(setting: Any, run: Any) -> HeadScore:
    return HeadScore(run["attn.hook_pattern"].diagonal(dim1=-2, dim2=-1).mean(-1), about=ABOUT)


def norms(setting: Any, run: Any) -> HeadScore:
    return HeadScore(setting.weights.W_O.norm(dim=(-2, -1)), about=ABOUT)


ROWS = (
    Analysis("diagonal", "where a token reads itself", ("attn.hook_pattern",), diagonal),
    Analysis("norms", "how large W_O is", (), norms),
    Analysis("tokens", "one number per token", ("attn.hook_pattern",), diagonal, over_tokens=True),
    Analysis("tempered", "what temperatures do", (), norms, applies=lambda facts: facts.variant == "selective"),
)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANALYSES", {row.name: row for row in ROWS})


@pytest.fixture(scope="module")
def model() -> Any:
    return hooked_tiny("cog")


def test_one_prompt_gives_its_own_numbers(model: Any) -> None:
    _, cache = model.run_with_cache("return x", prepend_bos=False)
    expected = torch.stack(
        [cache[f"blocks.{i}.attn.hook_pattern"][0].diagonal(dim1=-2, dim2=-1).mean(-1) for i in range(3)]
    )
    assert_close(analyse(model, "return x", ["diagonal"])["diagonal"].tensors()["value"], expected)


def test_by_default_all_that_fits_is_analysed(model: Any) -> None:
    assert list(analyse(model, "return x")) == ["diagonal", "norms", "tokens"]
    assert list(analyse(model, PROMPTS)) == ["diagonal", "norms"]


def test_several_prompts_give_mean_and_spread(model: Any) -> None:
    together, apart = analyse(model, PROMPTS, batch_size=2), [analyse(model, one)["diagonal"] for one in PROMPTS]
    values = torch.stack([one.tensors()["value"] for one in apart])
    assert_close(together["diagonal"].tensors()["value"], values.mean(0))
    assert_close(together.spread["diagonal"].tensors()["value"], values.std(0, correction=0))


def test_prompts_of_one_length_share_a_pass(model: Any) -> None:
    seen: list[tuple[int, int]] = []
    analyse(model, [*PROMPTS, "return x"], ["diagonal"], watch=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 4), (4, 4)]


def test_weights_alone_need_no_pass(model: Any) -> None:
    analyse(model, PROMPTS, ["norms"], watch=lambda done, total: pytest.fail("the model was run"))


@pytest.mark.parametrize(
    ("prompts", "what", "refusal"),
    [
        ("x", ["focus"], "unknown analysis 'focus'; known: diagonal, norms, tokens, tempered"),
        ("x", ["tempered"], "tempered says nothing about a model with cog attention: what temperatures do"),
        (PROMPTS, ["tokens"], "tokens runs over the tokens of one prompt, and 3 were given"),
        ("x", [], "no analysis was asked for"),
        ([], None, "no prompt was given"),
        ("", None, "the prompt is empty"),
    ],
)
def test_what_does_not_fit_is_refused(prompts: Any, what: Any, refusal: str, model: Any) -> None:
    with pytest.raises(ValueError, match=refusal):
        analyse(model, prompts, what)


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
    assert page.count("gauge-dependent") >= 2 and page.count("class='pair'") == 3
