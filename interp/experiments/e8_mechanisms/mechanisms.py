"""E8: what each attention of the table buys and costs, at equal size, equal tokens and equal CPU time."""

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e8_mechanisms.mechanism_claims import judge
from headscope.interp.experiments.e8_mechanisms.mechanism_costs import costs
from headscope.interp.experiments.e8_mechanisms.mechanism_models import (
    SIZES,
    MechanismSize,
    mechanism_recipe,
    mechanism_trials,
)
from headscope.interp.experiments.e8_mechanisms.mechanism_readings import READINGS, head_readings
from headscope.interp.experiments.e8_mechanisms.mechanism_results import SOURCE, results
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.models.fitting.history import read_history


def measure(trial: Trial, size: MechanismSize, place: Place, watch: Watch) -> Numbers:
    """Train, with the heads read on the way, then take steps of fresh models in turn with softmax's."""
    recipe = mechanism_recipe(trial, size)
    folder = trained_once(recipe, place.own / TRAINED, watch, trial.key, more=head_readings(recipe))
    measured = [item for item in read_history(folder / "history.jsonl") if "validation_loss" in item]
    on_the_way = {f"{name}_by_step": [item[name] for item in measured] for name in READINGS}
    return {
        "validation_loss": measured[-1]["validation_loss"],
        "steps": [item["step"] for item in measured],
        "tokens": [item["tokens"] for item in measured],
        "losses": [item["validation_loss"] for item in measured],
        **on_the_way,
        **{name: measured[-1][name] for name in READINGS},
        **costs(trial, size),
    }


EXPERIMENT = Experiment(
    name="E8",
    title="What does each mechanism buy, and what does it cost?",
    source=SOURCE,
    sizes=SIZES,
    trials=mechanism_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Every variant of the table in a Llama of one size, on the source of Python's standard library, of whose "
    "windows half hold a span twice; 2 % of the documents are held out, and left as they are. Within a seed all arms "
    "see the same windows in the same order and begin with the same weights, but for the parts that a variant adds. "
    "Nothing is tuned for one variant: one rate, constant after a warm-up, so that every loss on the way is that of a "
    "training that ends there; first weights with a deviation of 1/√d_model; placement and options are those of the "
    "shipped model of the variant's name (cog in all layers but the first and the last, where softmax stays; cubic "
    "polynomial), else its defaults in every layer. CPU time is of this code on one core, where torch has a fast path "
    "for few of them: it says what a step takes here, not what a kernel written for it would take. The margin is 5 % "
    "of the perplexity: what else an attention brings may well outweigh less than that. Width and steps are those that "
    "three seeds of all variants have an hour of one core for. A first run, of 250 steps of 512 tokens, had been read "
    "when this one was made eight times as long, as models had hardly begun to learn in it; the rules stayed.",
)
