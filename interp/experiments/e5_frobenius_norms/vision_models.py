"""Models of E5: vision transformers of one size on digits of several, with softmax and with powers of the scores."""

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e5_frobenius_norms.vision_sizes import VisionSize
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.training.recipe import Recipe

SOFTMAX, POWERS = "softmax", (1, 2, 3)
UNSCALED = {power: f"x^{power}" for power in POWERS}
SCALED = {power: f"{name}/sqrt(N)" for power, name in UNSCALED.items()}
CUBES = (SOFTMAX, SCALED[3], UNSCALED[3])


def vision_trials(size: VisionSize, seeds: int) -> list[Trial]:
    """Every arm at every number of tokens; a seed is finished before the next one begins."""
    conditions = [{"N": size.tokens(side), "attention": name} for side in size.sides for name in arms_at(side, size)]
    return [Trial(condition, seed) for seed in range(seeds) for condition in conditions]


def arms_at(side: int, size: VisionSize) -> tuple[str, ...]:
    """Softmax, and powers with and without 1/√N."""
    return CUBES if side in size.cubes_alone else (SOFTMAX, *SCALED.values(), *UNSCALED.values())


def arm_spec(name: str, tokens: int) -> AttentionSpec:
    """The attention of an arm at a number of tokens."""
    if name == SOFTMAX:
        return AttentionSpec("softmax")
    powers = {arm: power for table in (SCALED, UNSCALED) for power, arm in table.items()}
    coefficient = tokens**-0.5 if name in SCALED.values() else 1.0
    return AttentionSpec("polynomial", power=powers[name], coefficient=coefficient)


def vision_recipe(trial: Trial, size: VisionSize, rate: float, held_out: str, measure_every: int) -> Recipe:
    """The recipe of a trial at a rate, measured on a part of the held-out images: for all arms of an N the same but
    for the attention and the rate."""
    tokens = int(trial.condition["N"])
    data: Fields = {"source": "digits", "side": size.side(tokens), "images": size.images, "held_out": held_out}
    return Recipe(
        model=vit_fields(size),
        data=data,
        attention=arm_spec(str(trial.condition["attention"]), tokens).to_json(),
        steps=size.steps,
        batch=size.batch,
        seed=trial.seed,
        lr=rate,
        warmup=size.steps // 10,
        measure_every=measure_every,
        snapshots=0,
    )


def vit_fields(size: VisionSize) -> Fields:
    """The fields of the model's config, but for those that the digits decide."""
    return {
        "model_type": "vit",
        "hidden_size": size.d_model,
        "intermediate_size": 2 * size.d_model,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "patch_size": size.patch,
        "initializer_range": size.d_model**-0.5,
    }
