"""E6 end to end at the smallest size: it runs, goes on, judges by its rule, and draws all it found."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_diffusion import untrained_uvit

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Trial, TrialOutcome
from headscope.interp.experiments.e6_diffusion.diffusion import EXPERIMENT
from headscope.interp.experiments.e6_diffusion.diffusion_numbers import loss_numbers
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.hosts.spec import AttentionSpec


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


@pytest.fixture(scope="module")
def outcome(root: Path) -> Outcome:
    return outcome_of(ExperimentRequest("E6", "smoke", 2, root), watch_no_trial, lambda done, total: None)


def test_both_models_are_measured_with_every_seed(outcome: Outcome) -> None:
    assert outcome.conditions("variant") == ["softmax", "cog"] and outcome.seeds == 2
    assert outcome.sample("frechet").shape == (4,)
    assert bool((outcome.sample("frechet_floor") < outcome.sample("frechet_noise")).all())


def test_the_gain_of_the_class_is_that_of_all_timesteps(outcome: Outcome) -> None:
    np.testing.assert_allclose(
        outcome.sample("class_gain_by_timestep").mean(1), outcome.sample("class_gain"), atol=1e-6
    )


def test_a_model_that_is_told_nothing_gains_nothing() -> None:
    model = untrained_uvit(AttentionSpec("cog", layers="inner"), d_model=16, layers=3, heads=2)
    with torch.no_grad():
        model.embeddings.classes.weight.zero_()
    assert loss_numbers(model.eval())["class_gain"] == 0


def test_asked_again_it_takes_what_was_measured(root: Path, outcome: Outcome) -> None:
    told: list[str] = []
    again = outcome_of(
        ExperimentRequest("E6", "smoke", 2, root), lambda words, *_: told.append(words), lambda done, total: None
    )
    assert again.trials == outcome.trials and told == []


def test_everything_is_drawn(outcome: Outcome, tmp_path: Path) -> None:
    written = publish(EXPERIMENT, outcome, tmp_path)
    assert {"frechet.html", "loss.csv", "loss_by_timestep.html", "images_U-ViC.html"} <= {one.name for one in written}


def made_up(cog: float, softmax: float, noise: float = 9.0) -> Outcome:
    """An outcome with these distances, and losses that go the other way."""
    trials = [
        TrialOutcome(
            Trial({"variant": variant}, seed),
            {
                "frechet": far + seed / 100,
                "frechet_held_out": far,
                "validation_loss": 1 - far,
                "frechet_floor": 0.1,
                "frechet_noise": noise,
                "steps": [0, 1],
                "losses": [1.0, 1 - far],
            },
            1.0,
        )
        for variant, far in (("softmax", softmax), ("cog", cog))
        for seed in range(3)
    ]
    return Outcome("E6", "smoke", {}, {}, tuple(trials))


@pytest.mark.parametrize(
    ("cog", "softmax", "answers"),
    [
        (0.5, 0.9, ["reproduced", "opposite"]),
        (0.9, 0.5, ["opposite", "reproduced"]),
        (0.5, 0.5, ["no difference", "reproduced"]),
    ],
)
def test_a_smaller_distance_and_a_loss_no_higher_reproduce_the_claim(
    cog: float, softmax: float, answers: list[str]
) -> None:
    assert [one.answer for one in EXPERIMENT.judge(made_up(cog, softmax))] == answers


def test_images_that_are_nearer_to_noise_than_to_digits_are_not_compared() -> None:
    assert [one.answer for one in EXPERIMENT.judge(made_up(0.5, 0.8, 0.9))] == ["not measurable", "opposite"]
