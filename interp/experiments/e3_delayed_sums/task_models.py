"""Small decoders of an experiment: every attention at one size, trained on a task in the trial's own folder."""

from collections.abc import Mapping
from pathlib import Path

from transformers import PreTrainedModel

from headscope.interp.arms.trial import Numbers
from headscope.interp.experiments.engine.trained_once import widths
from headscope.models.attention.options import Options
from headscope.models.checkpoints import open_folder
from headscope.models.fitting.fit import accelerator_of
from headscope.models.fitting.history import read_history
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields

ARMS = ("softmax", "cog", "expressive", "selective", "polynomial")
# Every layer carries the variant, cog too: Cogformer's placement leaves nothing of a model of two layers.
OPTIONS: Mapping[str, Options] = {"polynomial": {"power": 3}}
SPECS = {name: AttentionSpec(name, **OPTIONS.get(name, {})) for name in ARMS}
LR, SAVED = 2e-3, 200  # the rate of the shipped models


def decoder_fields(d_model: int, layers: int, heads: int, context: int) -> Fields:
    """The fields of a small Llama's config."""
    shape = widths(d_model, layers, heads)
    return {"model_type": "llama", **shape, "max_position_embeddings": context, "tie_word_embeddings": False}


def trained_model(folder: Path) -> PreTrainedModel:
    """The model of a folder in eval mode, on the device that trains."""
    return open_folder(folder).model.to(accelerator_of("float32").device)


def measured_on_the_way(folder: Path, number: str) -> Numbers:
    """What was measured of a number in a training, and after which steps."""
    records = [record for record in read_history(folder / "history.jsonl") if number in record]
    return {"steps": [item["step"] for item in records], f"{number}_by_step": [item[number] for item in records]}
