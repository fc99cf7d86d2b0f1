"""Small decoders of an experiment: every attention at one size, trained on a task in the trial's own folder."""

from typing import Any

from transformers import PreTrainedModel

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.attention import VARIANTS
from headscope.models.fitting.fit import fit, fitting_of
from headscope.models.fitting.history import Record, read_history
from headscope.models.fitting.objective import Objective
from headscope.models.fitting.plan import Plan
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.untrained.decoder import DecoderShape, small_decoder

# Every layer carries the variant, cog too: Cogformer's placement leaves nothing of a model of two layers.
OPTIONS: dict[str, dict[str, Any]] = {"polynomial": {"power": 3}}
SPECS = {name: AttentionSpec(name, **OPTIONS.get(name, {})) for name in VARIANTS}


def trained(
    trial: Trial, shape: DecoderShape, objective: Objective, plan: Plan, place: Place, watch: Watch
) -> PreTrainedModel:
    """The decoder of the trial's variant and seed after training, in eval mode."""

    def show(record: Record) -> None:
        watch(f"training {trial.key}", record["step"], plan.steps)

    model = small_decoder(shape, SPECS[str(trial.condition["variant"])], trial.seed)
    fitted: Any = fit(fitting_of(model, objective, plan, place.own), show)
    return fitted.eval()


def measured_on_the_way(place: Place, number: str) -> Numbers:
    """What the objective measured of a number, and after which steps."""
    records = [record for record in read_history(place.own / "history.jsonl") if number in record]
    return {"steps": [one["step"] for one in records], f"{number}_by_step": [one[number] for one in records]}
