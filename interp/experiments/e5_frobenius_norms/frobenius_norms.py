"""E5: softmax works by bounding ‖A‖_F; x^p/√N does as well, unscaled x^p does not."""

import numpy as np

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e5_frobenius_norms.map_norms import map_norm_readings
from headscope.interp.experiments.e5_frobenius_norms.norm_claims import judge
from headscope.interp.experiments.e5_frobenius_norms.norm_results import SOURCE, results
from headscope.interp.experiments.e5_frobenius_norms.rate_sweep import rate_sweep
from headscope.interp.experiments.e5_frobenius_norms.vision_models import vision_recipe, vision_trials
from headscope.interp.experiments.e5_frobenius_norms.vision_sizes import SIZES, VisionSize
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.models.fitting.history import Record, read_history

JUDGED = "second half"  # of the held-out images


def measure(trial: Trial, size: VisionSize, place: Place, watch: Watch) -> Numbers:
    """Train at the best rate of the trial's arm, with accuracy and norms on the way."""
    sweep = rate_sweep(trial, size, place, watch)
    recipe = vision_recipe(trial, size, sweep.best, JUDGED, size.measure_every)
    folder = trained_once(recipe, place.own / TRAINED, watch, trial.key, more=map_norm_readings(recipe))
    return {
        **history_numbers(read_history(folder / "history.jsonl"), size.layers),
        "rate": recipe.lr,
        "rates": list(sweep.rates),
        "sweep_accuracy": sweep.accuracy.tolist(),
    }


def history_numbers(history: list[Record], layers: int) -> Numbers:
    """The curves of a history."""
    measured = [record for record in history if "accuracy" in record]
    by_layer = [[record[f"map_norm_{layer}"] for layer in range(layers)] for record in measured]
    return {
        "accuracy": measured[-1]["accuracy"],
        "steps": [record["step"] for record in measured],
        "accuracies": [record["accuracy"] for record in measured],
        "map_norm": np.mean(by_layer, axis=1).tolist(),
        "map_norm_by_layer": by_layer,
    }


EXPERIMENT = Experiment(
    name="E5",
    title="Does softmax work by bounding the Frobenius norm of attention?",
    source=SOURCE,
    sizes=SIZES,
    trials=vision_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Vision transformers of one size on scikit-learn's digits at three numbers N of tokens, which are the "
    "pixels and the class token: 65, 197 and 1,025, from 8 × 8 pixels resized along lines to 14 × 14 and 32 × 32, so "
    "that more tokens show no more of a digit. All train on the same 200 images, drawn step by step by the seed; a "
    "fifth of all digits is held out by a fixed split. W_V can take over a constant factor of A: x^p with 1/√N and "
    "without it are one class of functions, and differ in where W_V starts, how fast it moves and what its decay "
    "takes off. That is what their claims are about. So each arm has a rate of its own at each N: of those that the "
    "size names, that of the highest mean accuracy on the first half of the held-out images, with two seeds that no "
    "trial has. The second half judges, after the last step alone, for which the rates are chosen. Accuracy over the "
    "rates is drawn, and not judged. At N = 1,025 softmax and the cube are tried alone, for what the other powers "
    "would cost. ‖A‖_F‖W_OV‖_F stands in the place of ‖A‖_F: no factor between A and W_V changes it; W_V holds the "
    "gain of the norm before it; 16 images. No theorem bounds it, for softmax as little as for powers, since W_OV is "
    "free: it is held beside softmax's own. Fresh weights have a standard deviation of 1/√d_model, so that scores "
    "begin near those of unit variance that the theory is about (at ViT's own 0.02 a cube would begin at nothing). "
    "All else is equal for all arms: AdamW, a tenth of the steps to warm up, then a cosine to 0, gradients clipped at "
    "1. Steps, batch and rates were chosen by the time they take and by six runs of softmax alone, with a seed that "
    "no trial has.",
    version=2,
    seeds=10,
)
