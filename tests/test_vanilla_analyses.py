"""Vanilla transformers analysed: every analysis is true of their parts, or is left out with a reason; and trained."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest
from tiny_models import tiny_tokenizer
from tiny_runs import tiny_plain, write_text
from tiny_vanillas import ANSWERS, CAUSAL, LAYERS, SHAPES, WITH_ANSWERS, tiny_vanilla
from torch.testing import assert_close

from headscope import save
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.table import ANALYSES
from headscope.interp.attribution.direct import DirectAttribution
from headscope.interp.attribution.logit_lens import LogitLens
from headscope.interp.collapse.squashing import Squashing
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.report.page import report
from headscope.models.checkpoints import open_folder
from headscope.models.fitting.history import read_history
from headscope.models.hooked import hooked
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
DRAWN = ("every part", "attention alone", "no positions", "encoder of answers")  # whose results differ most from others
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_drawn_shape = pytest.mark.parametrize(
    "shape", [pytest.param(shape, marks=[] if shape in DRAWN else [pytest.mark.slow]) for shape in SHAPES]
)
PROMPT = "3 4 5 6 3 4 5 6 9 10"
PAIRED = {"activation_patching", "attribution_patching", "path_patching"}
ASKED_FOR = PAIRED | {"trajectory", "temperatures", "missing_mass"}
IN_WORDS = {"collapse_count_ones", "collapse_find_a_zero"}
OF_OWN_LOGITS = {
    *("deletion", "decision_plane", "contributions", "attention_contribution", "prompt_copying", "suppression"),
    *("copying", "diagonal_ranks"),
}


@cache
def model(shape: str) -> Any:
    return hooked(tiny_vanilla(shape, "cog"))


@cache
def found(shape: str) -> Findings:
    return analyse(model(shape), PROMPT, "all")


@every_shape
def test_every_analysis_is_done_or_left_out_with_a_true_reason(shape: str) -> None:
    left_out = dict(found(shape).left_out)
    expected = ASKED_FOR | IN_WORDS
    if shape in WITH_ANSWERS:
        expected = expected | OF_OWN_LOGITS
        assert f"this model's are of {ANSWERS} answers" in left_out["copying"]
    if shape not in CAUSAL:
        expected = expected | {"detectors"}
        assert "a token of this model sees those after it too" in left_out["detectors"]
    assert set(left_out) == expected and set(found(shape)) == set(ANALYSES) - expected


@every_drawn_shape
def test_every_result_draws_tabulates_and_stores_itself(shape: str) -> None:
    for result in found(shape).values():
        assert result.figure().data and len(result.to_frame())
    assert json.dumps(found(shape).to_json(), allow_nan=False) and report([found(shape)])


@every_shape
def test_components_sum_to_the_logit_of_the_likeliest_answer(shape: str) -> None:
    told = found(shape).of("direct_logit_attribution", DirectAttribution)
    [logits] = model(shape)(torch.tensor([[int(word) for word in PROMPT.split()]])).detach()
    assert_close(told.component.sum(), logits[-1].max(), atol=1e-4, rtol=1e-4)
    names = told.labels["component"]
    assert len(names) == 2 + LAYERS * (1 if SHAPES[shape].get("attention_only") else 2)
    name = "answer" if shape in WITH_ANSWERS else "token"
    assert told.labels["target"] == (f"{name} {int(logits[-1].argmax())}",)


@every_shape
def test_the_lens_ends_in_the_logits(shape: str) -> None:
    lens = found(shape).of("logit_lens", LogitLens)
    [logits] = model(shape)(torch.tensor([[int(word) for word in PROMPT.split()]])).detach()
    continued = shape in CAUSAL and shape not in WITH_ANSWERS
    assert lens.labels["target"] == (("next token", "likeliest token") if continued else ("likeliest answer",))
    assert_close(lens.logit[-1, :, -1], logits.max(-1).values, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", ["encoder", "grokking", "encoder of answers"])
def test_nothing_is_said_of_next_tokens_where_the_text_is_not_continued(shape: str) -> None:
    told = " ".join([*found(shape).questions.values(), *(result.about.plain for result in found(shape).values())])
    assert "token after the prompt" not in told and "next token" not in told
    effect = intervene(model(shape), found(shape).prompts[0], [Intervention("zero", layer=1)])
    assert bool(effect.loss_change.isnan().all()) and float(effect.kl.max()) > 0
    run = attention_run(model(shape), found(shape).prompts[0])
    assert len(run.predictions.ids) == 10 and len(run.predictions.actual_probability) == 0


def test_an_encoder_depends_on_every_token() -> None:
    told = found("encoder").of("squashing", Squashing)
    assert bool((told.norm > 0).all())
    facts = model_facts(model("encoder of answers"))
    assert (facts.is_causal, facts.answers, facts.continues_texts) == (False, ANSWERS, False)


@pytest.mark.parametrize("shape", ["grokking", "attention alone", "encoder"])
def test_patching_restores_an_answer(shape: str) -> None:
    names = ["activation_patching", "attribution_patching", "path_patching"]
    patched = analyse(model(shape), "3 4 5 6", names, choices=Choices("3 4 9 6"))
    assert list(patched) == names and json.dumps(patched.to_json(), allow_nan=False)


def test_an_effective_embedding_needs_an_mlp() -> None:
    with pytest.raises(ValueError, match="adds the first MLP, and this model is attention alone"):
        analyse(model("attention alone"), PROMPT, ["copying"], choices=Choices(embedding="effective"))


# In the app


@pytest.mark.usefixtures("no_page_waits")
@pytest.mark.parametrize(
    ("shape", "page"),
    [
        *(("grokking", page) for page in ("attention", "heads", "deletion", "collapse", "geometry", "analyses")),
        *(("encoder", page) for page in ("attention", "collapse", "analyses")),
        ("attention alone", "attention"),
    ],
)
def test_every_page_opens_on_it(shape: str, page: str, tmp_path: Path) -> None:
    folder = save(tiny_vanilla(shape, "cog"), tmp_path / "model")
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    asked = {"model": "a folder", "folder": str(folder), "prompt": PROMPT, "intervene": "true"}
    for field, value in asked.items():
        test.query_params[field] = value
    if page != "attention":
        test.switch_page(str(ROOT / "app" / "views" / f"{page}.py"))
    test.run()
    assert not test.exception and not test.error, [*test.exception, *test.error]


# Trained


def vanilla_recipe(text: Path, **parts: Any) -> Recipe:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16}
    return Recipe.from_plain(tiny_plain(text, model={"model_type": "vanilla_transformer", **sizes, **parts}))


@pytest.mark.parametrize("parts", [{}, {"attention_only": True, "norm": "none", "head_dim": 12}])
def test_a_recipe_trains_it(parts: dict[str, Any], tmp_path: Path) -> None:
    train(vanilla_recipe(write_text(tmp_path), **parts), tmp_path / "run")
    history = read_history(tmp_path / "run" / "history.jsonl")
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert open_folder(tmp_path / "run").spec.variant == "cog"


@pytest.mark.parametrize("parts", [{"is_causal": False}, {"output_vocab_size": 7}])
def test_a_recipe_of_a_model_that_continues_no_text_is_refused(parts: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bidirectional or of answers that are no tokens: leave out 'is_causal'"):
        train(vanilla_recipe(write_text(tmp_path), **parts), tmp_path / "run")


def test_it_is_opened_with_a_tokenizer_and_reads_texts(tmp_path: Path) -> None:
    parts = {"vocab_size": 300, "output_vocab_size": ANSWERS}
    bridge = hooked(tiny_vanilla("attention alone", "cog", **parts), tiny_tokenizer())
    told = analyse(bridge, "def f(x):", ["direct_logit_attribution", "logit_lens"])
    assert told["direct_logit_attribution"].labels["target"][0].startswith("answer ")
