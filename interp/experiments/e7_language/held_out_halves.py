"""Halves of the held-out text: by the first the rates are chosen, by the second the claims are judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from headscope.models.checkpoints import open_folder
from headscope.models.data.table import fields_of
from headscope.models.data.text.corpus import Corpus, prepare_corpus
from headscope.models.data.text.loss import validation_loss
from headscope.models.fitting.fit import accelerator_of
from headscope.models.training.recipe_file import read_recipe


def half_corpus(corpus: Corpus, half: int) -> Corpus:
    """The corpus with a half of its held-out tokens."""
    return replace(corpus, validation=np.array_split(corpus.validation, 2)[half])


def half_loss(folder: Path, half: int, windows: int) -> float:
    """Mean nats per token of a trained model on so many windows of a half of the text that its training held out."""
    recipe, accelerator = read_recipe(folder / "recipe.json"), accelerator_of("float32")
    text = fields_of(recipe.data)
    corpus, asked = half_corpus(prepare_corpus(text), half), replace(text, validation_windows=windows)
    model = open_folder(folder).model.to(accelerator.device)
    return validation_loss(accelerator, model, corpus, asked, recipe.batch)
