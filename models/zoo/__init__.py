"""The shipped models, a folder each beside this file: of text by attention variant, of stories, and of images."""

import re
from pathlib import Path

from headscope.models.io.near_names import known_names

HERE = Path(__file__).parent
TEXT = ("softmax", "cog", "expressive", "selective", "polynomial")
FIELD = ("sink", "forgetting", "differential", "sigmoid", "gate")  # further mechanisms; the same training
# Trained on six times as many tokens as their namesakes, so that circuits are there.
LONGER = {"softmax-longer": "softmax", "cog-longer": "cog"}
STORIES = ("ioi-softmax", "ioi-cog")  # of experiment E1
VISION = ("vit-softmax", "vit-cubic")  # softmax and x³/√N, of the first round of experiment E5
DIFFUSION = ("uvit", "uvic")  # U-ViT and U-ViC
KNOWN = (*TEXT, *FIELD, *LONGER, *STORIES)  # the language models
WITH_SNAPSHOTS = tuple(LONGER)  # in the repository; an installed package has the final weights alone
STEP = re.compile(r"(?:step-(?=\d{6})|checkpoint-)(\d+)")  # of our own runs, and of transformers' Trainer


def names() -> tuple[str, ...]:
    """Names of the shipped models that `load` hooks: of text by attention variant, of stories, and of images."""
    return tuple(name for name in (*KNOWN, *VISION) if (HERE / name / "config.json").is_file())


def diffusion_names() -> tuple[str, ...]:
    """Names of the shipped diffusion models."""
    return tuple(name for name in DIFFUSION if (HERE / name / "config.json").is_file())


def folder(name: str) -> Path:
    """The folder of a shipped model of any kind; an unknown name is refused with those that `load` hooks."""
    if name not in (*names(), *diffusion_names()):
        raise ValueError(f"unknown model {name!r}; the zoo has: {known_names(name, names())}")
    return HERE / name


def snapshots(folder: str | Path) -> dict[int, Path]:
    """Step -> snapshot folder, for `step-000100` and `checkpoint-100` in `folder`, first to last, if there are any."""
    if not (folder := Path(folder)).is_dir():
        raise ValueError(f"snapshots of {folder}: there is no such folder")
    result = ((STEP.fullmatch(entry.name), entry) for entry in folder.iterdir() if entry.is_dir())
    return dict(sorted((int(step.group(1)), entry) for step, entry in result if step))
