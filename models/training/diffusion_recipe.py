"""A recipe of a diffusion model on the digits: its attention, its size, and how it is trained."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headscope.models.fitting.plan import Plan
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.json_file import read_json_object

LAYERS = {"softmax": "all"}  # the other variants leave softmax in the first and the last block, as U-ViC


@dataclass(frozen=True)
class DiffusionRecipe:
    """Attention by name, the shape of a U-ViT, timesteps of noise, steps and images of a training, rate and seed."""

    variant: str
    d_model: int = 64
    layers: int = 7
    heads: int = 4
    steps: int = 2500
    batch: int = 64
    lr: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.03
    seed: int = 0

    @property
    def spec(self) -> AttentionSpec:
        """The attention: softmax in all blocks, any other in all but the first and the last."""
        return AttentionSpec(self.variant, layers=LAYERS.get(self.variant, "inner"))

    @property
    def plan(self) -> Plan:
        """How `fit` trains it."""
        every = max(1, self.steps // 10)
        own = {"steps": self.steps, "seed": self.seed, "lr": self.lr, "warmup": self.warmup}
        return Plan(**own, weight_decay=self.weight_decay, measure_every=every, save_every=every)

    def to_plain(self) -> dict[str, Any]:
        """As recipe.json holds it."""
        return asdict(self)


def read_recipe(path: Path) -> DiffusionRecipe:
    """The recipe of a folder. Raises ForeignInputError for fields that it does not have."""
    with foreign_input(f"cannot read {path} as a recipe of a diffusion model"):
        return DiffusionRecipe(**read_json_object(path))
