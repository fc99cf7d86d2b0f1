"""Start: the beginning of a run whose model has the weights, the config and the tokenizer of another folder."""

from dataclasses import replace
from functools import partial

import torch
from transformers import PreTrainedModel

from headscope.models.checkpoints import OpenedModel, open_model
from headscope.models.hooked.loading import place_of
from headscope.models.hosts.attachment import attach, resolved_spec, spec_of
from headscope.models.hosts.families import family_of
from headscope.models.training.beginning import Beginning, refuse_unfit, refuse_unread
from headscope.models.training.own_text import own_text_material, refuse_without_tokenizer
from headscope.models.training.recipe import FINGERPRINT, START, Recipe
from headscope.models.training.tempered import still_parts


def started_beginning(recipe: Recipe) -> Beginning:
    """That of a recipe whose model starts from a folder; all weights learn, 16-bit ones as float32.

    The recipe gains the fingerprint of the folder, so that a run does not go on from other weights. Raises ValueError
    for a model that reads no text or has no tokenizer of its own.
    """
    place = place_of(recipe.model[START])
    opened = open_model(place)
    config = opened.model.config
    refuse_unread(recipe, config.model_type, family_of(config.model_type))
    refuse_without_tokenizer(opened, place)
    refuse_other_weights(recipe, opened)
    material = own_text_material(opened, recipe.data, recipe.batch, recipe.seed)
    refuse_unfit(config, recipe, material.context)
    in_full = replace(recipe, model={START: recipe.model[START], FINGERPRINT: opened.fingerprint})
    return Beginning(in_full, material, partial(started_model, opened.model, recipe))


def started_model(model: PreTrainedModel, recipe: Recipe) -> PreTrainedModel:
    """The same model, in place, with the recipe's attention; what it learned of that attention stays.

    Temperatures and gates that are new to it are almost 1 at first: at others its weights would be of another model.
    """
    torch.manual_seed(recipe.seed)
    if spec_of(model) != resolved_spec(recipe.spec, model):
        still_parts(attach(model, recipe.spec))
    return model


def refuse_other_weights(recipe: Recipe, opened: OpenedModel) -> None:
    """Refuse a folder whose weights are no longer those that a run's recipe names."""
    if recipe.model.get(FINGERPRINT, opened.fingerprint) != opened.fingerprint:
        raise ValueError(f"{recipe.model[START]} holds other weights than when this recipe's run began")
