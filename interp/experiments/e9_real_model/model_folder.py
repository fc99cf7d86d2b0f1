"""The folder of the real model: where the environment says, or where `make real-model` puts it."""

import os
from pathlib import Path

FOLDER = "HEADSCOPE_REAL_MODEL"  # the variable that names another folder
MADE = Path("runs/smollm2")  # by `make real-model`, beside the working directory


def real_model_folder() -> Path:
    """The folder of a trained model. ValueError in one sentence where there is none."""
    folder = Path(os.environ.get(FOLDER) or MADE)
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"E9 needs a trained model, and {folder} holds none: run `make real-model`, which fetches it (98 MB), or "
            f"name a folder of your own in the variable {FOLDER}"
        )
    return folder
