"""Construction: transformers changes torch for all threads while it makes a model, so one thread at a time does."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from model_folders import good_folder
from tiny_models import tiny_model
from torch import nn
from transformers import GPT2Config

from headscope.models.checkpoints import open_folder
from headscope.models.hooked import hooked
from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.hosts.untrained import untrained_model
from headscope.models.seam.construction import CONSTRUCTION, without_initialisation

TINY = GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=20, n_positions=16)
MAKERS: dict[str, Callable[[Path], Any]] = {
    "opened": lambda folder: open_folder(good_folder(folder)).model,
    "hooked": lambda folder: hooked(tiny_model("cog")),
    "untrained": lambda folder: untrained_model(TINY, AttentionSpec("cog")),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_model_is_made_while_no_other_thread_makes_one(name: str, tmp_path: Path) -> None:
    made: list[Any] = []
    thread = Thread(target=lambda: made.append(MAKERS[name](tmp_path)))
    with CONSTRUCTION:
        thread.start()
        thread.join(1.0)
        assert thread.is_alive() and not made
    thread.join()
    [model] = made
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


@pytest.mark.parametrize("name", ["opened", "hooked", "untrained", "attached"])
def test_a_parameter_is_put_into_a_module_only_where_no_other_thread_makes_empty_models(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plain = good_folder(tmp_path), tiny_model("softmax")
    makers: dict[str, Callable[[], Any]] = {
        "opened": lambda: open_folder(folder),
        "hooked": lambda: hooked(plain),
        "untrained": lambda: untrained_model(TINY, AttentionSpec("cog")),
        "attached": lambda: attach(plain, AttentionSpec("selective")),
    }
    register, at_risk = nn.Module.register_parameter, []

    def noted(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        if not CONSTRUCTION._is_owned():  # type: ignore[attr-defined]
            at_risk.append(f"{type(module).__name__}.{name}")
        register(module, name, parameter)

    monkeypatch.setattr(nn.Module, "register_parameter", noted)
    makers[name]()
    assert at_risk == []


def test_torch_is_as_it_was_afterwards() -> None:
    before = nn.init.kaiming_uniform_, nn.init.zeros_, nn.Module.register_parameter
    with without_initialisation():
        hooked(tiny_model("cog"))
    assert before == (nn.init.kaiming_uniform_, nn.init.zeros_, nn.Module.register_parameter)
    assert float(nn.Linear(4, 4).weight.detach().norm()) > 0 and torch.get_default_dtype() == torch.float32
