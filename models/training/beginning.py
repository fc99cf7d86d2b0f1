"""Beginning: what a run begins with, and the beginning of a model that has learned nothing yet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from transformers import PreTrainedConfig, PreTrainedModel

from headscope.models.data.material import Material
from headscope.models.data.table import material_of, row_of
from headscope.models.hosts.families import FAMILIES, Family, family_of
from headscope.models.hosts.modality import MODALITIES
from headscope.models.hosts.untrained import refuse_huge, untrained_config, untrained_family, untrained_model
from headscope.models.training.recipe import Recipe
from headscope.models.training.tempered import still_parts


@dataclass(frozen=True)
class Beginning:
    """A recipe with all that decides the run, what its model is trained on, and that model before its first step."""

    recipe: Recipe
    material: Material
    model: Callable[[], PreTrainedModel]


def untrained_beginning(recipe: Recipe) -> Beginning:
    """That of a recipe which describes its model."""
    refuse_unread(recipe, str(recipe.model.get("model_type")), untrained_family(recipe.model))
    material = material_of(recipe.data, recipe.batch, recipe.seed)
    return Beginning(recipe, material, partial(fresh_model, recipe, material))


def fresh_model(recipe: Recipe, material: Material) -> PreTrainedModel:
    """The model before its first step.

    ValueError where it has too few positions for what it is shown, and where its answers are not those asked for.
    """
    config = untrained_config(recipe.model, material.decides)
    refuse_unfit(config, recipe, material.context)
    model = untrained_model(config, recipe.spec, recipe.seed)
    if recipe.still:
        still_parts(model)
    return model


def refuse_unread(recipe: Recipe, model_type: str, family: Family) -> None:
    """Refuse a model that cannot read the data."""
    wanted, model = MODALITIES[row_of(recipe.data).reads], family.modality
    if not model.reads_as(wanted):
        families = ", ".join(name for name, item in FAMILIES.items() if item.modality.reads_as(wanted))
        raise ValueError(
            f"a model of type {model_type!r} reads {model.reads}s, and the recipe's data "
            f"{recipe.data['source']!r} is for models of {wanted.reads}s: {families}"
        )


def refuse_unfit(config: PreTrainedConfig, recipe: Recipe, context: int) -> None:
    """Refuse a model of too few positions for the data, of other answers than are asked for, or beyond the memory."""
    if not getattr(config, "continues_texts", True):
        raise ValueError(
            f"the recipe's data {recipe.data['source']!r} asks for tokens from those before them; its model is "
            "bidirectional or of answers that are no tokens: leave out 'is_causal' and 'output_vocab_size'"
        )
    if context > (positions := family_of(config.model_type).modality.context(config)):
        raise ValueError(f"the data's context is {context}; its model has {positions} positions")
    refuse_huge(config)
