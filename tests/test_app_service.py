"""Sessions share a model: nobody gets anybody else's activations, and what cannot be run is refused in a sentence."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tiny_models import CORPUS, hooked_tiny, tiny_model, tiny_tokenizer
from torch.testing import assert_close

from headscope.app.serving import service as service_module
from headscope.app.serving.model_source import fingerprint, source_folder, typed_folder
from headscope.app.serving.service import ModelService
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.models.hooked import hooked

PROMPTS = [CORPUS[0][:length] for length in (20, 40, 60, 80)]


def service_of(model: Any) -> ModelService[ModelFacts]:
    return ModelService(model, model_facts(model))


@pytest.fixture(scope="module")
def service() -> ModelService[ModelFacts]:
    return service_of(hooked_tiny("cog"))


def test_sessions_at_once_get_their_own_activations(service: ModelService[ModelFacts]) -> None:
    alone = [service.attention(prompt, False) for prompt in PROMPTS]
    with ThreadPoolExecutor(4) as sessions:
        together = list(sessions.map(lambda turn: service.attention(PROMPTS[turn % 4], False), range(48)))
    for turn, run in enumerate(together):
        assert_close(run.patterns, alone[turn % 4].patterns)
        assert run.tokens == alone[turn % 4].tokens


def test_a_refused_prompt_does_not_lock_the_next_one_out(service: ModelService[ModelFacts]) -> None:
    with pytest.raises(ValueError, match="empty"):
        service.attention("", False)
    assert service.attention(PROMPTS[0], False).patterns.isfinite().all()


def test_patterns_that_would_fill_the_memory_are_refused(
    service: ModelService[ModelFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MOST_PATTERN_BYTES", 1000)
    with pytest.raises(ValueError, match=r"6 heads and .* GiB"):
        service.refuse_patterns(service.tokens(PROMPTS[3], False))
    assert service.attention(PROMPTS[3], False).heads.entropy.isfinite().all()


def test_a_run_is_refused_where_it_would_have_to_keep_its_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MOST_PATTERN_BYTES", 1000)
    model = hooked_tiny("cog")
    model.original_model.set_attn_implementation("eager")  # whose weights no variant makes
    with pytest.raises(ValueError, match=r"the patterns of \d+ heads"):
        service_of(model).attention(PROMPTS[0], False)


def test_what_is_kept_is_there_while_the_model_is_busy(service: ModelService[ModelFacts]) -> None:
    run, busy, done = service.attention(PROMPTS[0], False), Event(), Event()

    def compute(model: Any) -> int:
        busy.set()
        return int(done.wait(20))

    with ThreadPoolExecutor(1) as sessions:
        other = sessions.submit(service.kept, "long", compute)
        assert busy.wait(20) and service.attention(PROMPTS[0], False) is run
        done.set()
        assert other.result() == 1


def test_bos_is_left_out_where_the_tokenizer_has_none() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = None
    service = service_of(hooked(tiny_model("softmax"), tokenizer))
    assert not service.facts.has_bos
    assert service.attention("return", True).tokens == service.attention("return", False).tokens


def test_a_prompt_is_tokenised_once(service: ModelService[ModelFacts], monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    read = service_module.text_as_read
    monkeypatch.setattr(service_module, "text_as_read", lambda text, *a, **k: texts.append(text) or read(text, *a, **k))
    service.tokens("return x", False)
    service.attention("return x", False)
    assert service.tokens("return x", False).strings and texts == ["return x"]


def test_facts_count_every_parameter_once(service: ModelService[ModelFacts]) -> None:
    original = hooked_tiny("cog").original_model
    assert service.facts.parameters == sum({p.data_ptr(): p.numel() for p in original.parameters()}.values())


@pytest.mark.parametrize("text", ["//server/share", "\\\\server\\share", " //server/x"])
def test_a_network_path_is_refused_before_it_is_touched(text: str) -> None:
    with pytest.raises(ValueError, match="network path"):
        typed_folder(text)


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(ValueError, match="no folder or file '/nowhere/model'"):
        source_folder("a folder", "/nowhere/model", "a folder")


def test_the_fingerprint_changes_with_the_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "config.json").write_text('{"a": 1}')
    assert fingerprint(tmp_path) != before
