"""Language models of E7: every arm at every budget, each a training of its own with a cosine that ends there."""

from dataclasses import dataclass, replace
from pathlib import Path

from headscope.interp.arms.by_budget import budget_trials
from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.e7_language.held_out_halves import half_loss
from headscope.interp.experiments.e7_language.language_models import LanguageSize, language_recipe
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.rate_losses import CHOICE_HALF, RateLosses, rate_losses
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.training.recipe import Recipe

BASE, STILL = "softmax", "selective (still start)"
# Arm -> the shipped model whose recipe it shares; a still start is one whose temperatures are almost 1.
ARMS = {
    BASE: "softmax",
    "cog": "cog",
    "expressive": "expressive",
    "selective": "selective",
    STILL: "selective",
    "polynomial": "polynomial",
}
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
SAVE_EVERY = 250


@dataclass(frozen=True)
class LanguageBudgets:
    """Budgets in steps; rates to choose from and the steps of the trainings that choose; shape, windows and text.

    windows: how many of either half of the held-out text are asked. All after it as in a LanguageSize.
    """

    budgets: tuple[int, ...]
    rates: tuple[float, ...]
    rate_steps: int
    windows: int
    d_model: int
    layers: int
    heads: int
    vocabulary: int
    context: int
    batch: int
    text: str = "stdlib"

    def after(self, steps: int) -> LanguageSize:
        """The size of a training of so many steps."""
        shape = self.d_model, self.layers, self.heads
        return LanguageSize(steps, *shape, self.vocabulary, self.context, self.batch, self.text)


SIZES = {
    "smoke": LanguageBudgets((2, 4), (1e-3, 2e-3), 2, 4, 16, 3, 2, 300, 64, 2, text="documentation"),
    "default": LanguageBudgets((250, 500, 1000, 2000), RATES, 500, 128, 96, 4, 4, 2048, 128, 8),
    "full": LanguageBudgets((1250, 2500, 5000, 10_000), RATES, 2500, 256, 512, 12, 8, 8192, 1024, 32),
}


def language_budget_trials(size: LanguageBudgets, seeds: int) -> list[Trial]:
    """Every arm at every budget with every seed."""
    return budget_trials(ARMS, size.budgets, seeds)


def budget_recipe(arm: str, steps: int, seed: int, size: LanguageBudgets) -> Recipe:
    """The recipe of an arm after so many steps, at the rate of the shipped model; measured in the end alone."""
    recipe = language_recipe(Trial({"variant": ARMS[arm]}, seed), size.after(steps))
    return replace(recipe, still=arm == STILL, measure_every=steps, save_every=SAVE_EVERY)


def arm_rate_losses(arm: str, size: LanguageBudgets, place: Place, watch: Watch) -> RateLosses:
    """What an arm ends at under every rate, on the half of the held-out text that chooses; one for all trials."""

    def loss_of(recipe: Recipe, folder: Path) -> float:
        return half_loss(trained_once(recipe, folder, watch, f"{arm} at {recipe.lr:g}"), CHOICE_HALF, size.windows)

    recipe = budget_recipe(arm, size.rate_steps, OTHER_SEEDS, size)
    return rate_losses(recipe, size.rates, place.shared / "language_rates" / Trial({"variant": arm}, 0).key, loss_of)
