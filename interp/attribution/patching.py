"""Patching: which activations of a clean prompt, put into the run of a corrupt one, restore its logit difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import Hook, HookedModel, module_of
from headscope.interp.reading.prompt import logits_by_position
from headscope.interp.reading.prompt_pair import Ends, PromptPair
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.all_layers import spread_over_layers
from headscope.interp.results.result import Result
from headscope.models.attention.run import at_least_float32
from headscope.models.hosts.execution_device import execution_device
from headscope.models.io.fields import Fields

if TYPE_CHECKING:
    import pandas as pd

PLACES = {"resid_pre": "hook_resid_pre", "head": "attn.hook_z"}
UNIT = "share of the gap between corrupt (0) and clean (1)"
ACTIVATION = About(
    title="Activation patching",
    unit=UNIT,
    law="(LD with the clean activation in the corrupt run − LD corrupt)/(LD clean − LD corrupt); LD = logit of the "
    "target less that of the distractor",
    source="Meng et al. 2022 (ROME); Wang et al. 2022",
    plain="The corrupt prompt is run with one activation taken from the clean prompt. Near 1, that activation alone "
    "brings the clean answer back; near 0, it does not matter.",
)


@dataclass(frozen=True, repr=False)
class Patching(Result):
    """Of the residual before each layer at each position, and of each head's output at all positions at once.

    clean, corrupt: the logit differences of the two prompts. of: between which two tokens. pair: these and the corrupt
    prompt. Nulls: the estimate's alone.
    """

    drawn_by = "attribution:patching_figure"

    resid_pre: Float[Tensor, "layer pos"]
    head: Float[Tensor, "layer head"]
    clean: float
    corrupt: float
    of: str
    pair: Fields
    resid_pre_null: Float[Tensor, "layer pos"] | None = None
    resid_pre_null_spread: Float[Tensor, "layer pos"] | None = None
    head_null: Float[Tensor, "layer head"] | None = None
    head_null_spread: Float[Tensor, "layer head"] | None = None

    def to_frame(self, field: str | None = None) -> "pd.DataFrame":
        """As of every result, with the two tokens."""
        return super().to_frame(field).assign(of=self.of)


@dataclass(frozen=True)
class Job:
    """One forward pass: in its nth run, the cells that moved[n] marks come from the clean prompt."""

    field: str
    layer: int
    moved: Bool[Tensor, "cell ..."]

    @property
    def place(self) -> str:
        """The hook's full name."""
        return f"blocks.{self.layer}.{PLACES[self.field]}"


def activation_patching(
    model: HookedModel, pair: PromptPair, batch_size: int = 32, watch: Watch = watch_nothing
) -> Patching:
    """Every cell in a run of its own, batch_size of them in one forward pass; watch(done, total) counts the passes.

    transformer_lens.patching gives the same numbers with one pass for every cell. Hooks are state: the caller lets
    one run in at a time.
    """
    [clean] = gathered_activations(model, [pair.clean], list(PLACES.values()))
    between = ends_of(model, pair)
    positions, heads = clean[PLACES["head"]].shape[1:3]
    layers = {"resid_pre": tuple(range(model.cfg.n_layers)), "head": clean.head_layers}
    planned = jobs(layers, positions, heads, batch_size)
    result: dict[str, list[Tensor]] = {name: [] for name in PLACES}
    step = step_counter(watch, len(planned))
    for job in planned:
        at = layers[job.field].index(job.layer)
        differences = patched_differences(model, pair, job, clean[PLACES[job.field]][at])
        result[job.field].append(between.restored(differences))
        step()
    fields = {name: torch.cat(values).unflatten(0, (len(layers[name]), -1)) for name, values in result.items()}
    return patching_of(pair, between, ACTIVATION, fields, clean.head_layers)


def patching_of(
    pair: PromptPair, between: Ends, about: About, fields: Mapping[str, Tensor], head_layers: Sequence[int]
) -> Patching:
    """The fields as a record of all layers that says what was compared; the two tokens stand in its title."""
    layers = len(fields["resid_pre"])
    of_heads = {name: item for name, item in fields.items() if name.startswith("head")}
    spread = {name: spread_over_layers(item, head_layers, layers) for name, item in of_heads.items()}
    return Patching(
        **{**fields, **spread},
        clean=between.clean,
        corrupt=between.corrupt,
        of=str(pair),
        pair=pair.to_json(),
        about=replace(about, title=f"{about.title}, {pair}"),
        labels={"pos": pair.positions},
    )


def jobs(layers: Mapping[str, Sequence[int]], positions: int, heads: int, batch_size: int) -> list[Job]:
    """All forward passes, layer by layer. layers: the numbers of those that have the field's place."""
    cells = {
        "resid_pre": torch.eye(positions, dtype=torch.bool)[:, :, None],
        "head": torch.eye(heads, dtype=torch.bool)[:, None, :, None],
    }
    return [
        Job(name, layer, moved)
        for name, all_cells in cells.items()
        for layer in layers[name]
        for moved in all_cells.split(batch_size)
    ]


def patched_differences(
    model: HookedModel, pair: PromptPair, job: Job, clean: Float[Tensor, "pos ..."]
) -> Float[Tensor, "cell"]:
    """The corrupt prompt's logit differences with a job's cells taken from the clean prompt."""

    def put(value: Float[Tensor, "cell pos ..."], hook: object) -> Float[Tensor, "cell pos ..."]:
        return torch.where(job.moved.to(value.device), clean.to(value), value)

    return logit_differences_of_prompts(model, pair, [pair.corrupt] * len(job.moved), [(job.place, put)])


def ends_of(model: HookedModel, pair: PromptPair) -> Ends:
    """The logit differences of both prompts, nothing patched."""
    return Ends(*logit_differences_of_prompts(model, pair, [pair.clean, pair.corrupt]).tolist())


@torch.no_grad()
def last_logits(
    model: HookedModel, prompts: Sequence[PromptTokens], hooks: Sequence[Hook] = ()
) -> Float[Tensor, "prompt vocab"]:
    """Logits of the answers to prompts of one length, at the end or at the mask, float32 at least, on the CPU."""
    ids = torch.tensor([prompt.ids for prompt in prompts], device=execution_device(module_of(model)))
    output = model.run_with_hooks(ids, fwd_hooks=list(hooks))
    return at_least_float32(logits_by_position(model, output, prompts)[:, -1]).cpu()


def logit_differences_of_prompts(
    model: HookedModel, pair: PromptPair, prompts: Sequence[PromptTokens], hooks: Sequence[Hook] = ()
) -> Float[Tensor, "prompt"]:
    """The pair's logit difference of every prompt."""
    return pair.difference(last_logits(model, prompts, hooks)[:, None])
