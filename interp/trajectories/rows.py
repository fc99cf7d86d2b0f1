"""The row of trajectories in the table of analyses: how a model's own training went."""

from pathlib import Path

from headscope.interp.analysis import AnalysisRequest, Probe, Setting
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.size import OPENING
from headscope.interp.reading.watch import Watch
from headscope.interp.trajectories.measures import Measured, NamedNumbers
from headscope.interp.trajectories.named_numbers import named_numbers
from headscope.interp.trajectories.trajectory import Trajectory, trajectory


def run_trajectory(request: AnalysisRequest, watch: Watch) -> Trajectory:
    """The followed numbers over the snapshots of the run, whose models must read ids as the model that is asked."""
    numbers = named_numbers(request.analyse, request.followed)

    def measure(model: HookedModel) -> Measured | NamedNumbers:
        refuse_other_vocabulary(model, request.setting)
        return numbers(model)

    run = Path(request.run or "").resolve()
    return trajectory({run.name: run}, measure, watch, "Over the snapshots of training")


def refuse_other_vocabulary(model: HookedModel, setting: Setting) -> None:
    """Raise ValueError for a snapshot with other tokens than the model whose ids the prompt is."""
    tokenizers = (tokenizer_of(model), setting.tokenizer)
    known = [item.get_vocab() for item in tokenizers if item is not None]
    sizes = (model.cfg.d_vocab, setting.facts.vocabulary)
    if sizes[0] != sizes[1] or (len(known) == 2 and known[0] != known[1]):
        raise ValueError(
            f"the run's vocabulary ({sizes[0]} tokens) is not the model's ({sizes[1]} tokens), so that the prompt's "
            "ids mean other tokens there: give a run with the model's own tokenizer"
        )


PROBES = (
    Probe(
        "trajectory",
        "how a few numbers changed over the snapshots of a training run",
        run_trajectory,
        together=True,
        missing=lambda request: "" if request.run else "needs the folder of a training run with snapshots: give one",
        cost=lambda size: size.snapshots * (size.passes(OPENING) + size.pass_over_prompts() + size.vocabulary_squared),
        reads=("run", "embedding"),
    ),
)
