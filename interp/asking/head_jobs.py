"""Head jobs: how far every head is from chance in each thing that heads are known to do, read off one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.detectors.copying import PromptCopying
from headscope.interp.detectors.scores import cells_of, layer_detector_scores
from headscope.interp.detectors.targets import TARGETS, targets
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.head_score import head_name
from headscope.interp.results.nulls import is_bound_to_null, is_near_null
from headscope.interp.results.sign_nulls import mean_share, negative_sum, row_sums
from headscope.interp.rows.measures import row_negative_mass
from headscope.models.training.shipped import CircuitHead

SELF, SINK, NEGATIVE, DELETION, COPYING = "itself", "sink", "negative", "suppression", "copying"
MOST_TOKENS = 1024  # from the first on: those of a causal model are the same however long the prompt
CHANCE = 0.01  # that any head at all is said to do what it does by chance
SPAN = 96  # random tokens, that come twice
Fields = Mapping[str, Mapping[str, Tensor]]  # of a job, of a field: one number a head


@dataclass(frozen=True)
class HeadJob:
    """A share of every head's weight, what it would be by chance, and how far that varies; NaN where there is none.

    rows: of how many independent parts, each at most 1, it is the mean; infinite where they are too many to matter.
    """

    name: str
    value: Float[Tensor, "layer head"]
    null: Float[Tensor, "layer head"]
    spread: Float[Tensor, "layer head"]
    rows: Float[Tensor, "layer head"]

    @property
    def chance(self) -> Float[Tensor, "layer head"]:
        """At most how likely chance alone is to go so far above the null (Bernstein 1924), 1 where nothing is known.

        exp(−t²/2 / (spread² + t/(3 rows))), t the distance: it holds for few rows too, where a normal law does not.
        """
        distance = (self.value - self.null).double()
        width = self.spread.double().square() + distance / (3 * self.rows.double())
        return torch.exp(-distance.square() / (2 * width)).where((distance > 0) & (width > 0), 1.0)


def stands_out(jobs: Sequence[HeadJob]) -> dict[str, Bool[Tensor, "layer head"]]:
    """The heads that do each job more than chance explains: one false name in CHANCE⁻¹ models, whatever their size.

    Every job of every head is a question of its own, and so each is asked CHANCE / questions (Bonferroni).
    """
    questions = sum(int(job.value.isfinite().sum()) for job in jobs)
    return {job.name: job.chance * questions < CHANCE for job in jobs}


def chance_marks(jobs: Sequence[HeadJob], name: str, *, needs_both_signs: bool) -> list[str]:
    """Of every head: "near" where its share is within two spreads of chance, "bound" where it can be nothing else.

    Heads of layers that lack the job are bound where it needs weights of both signs. Nothing for a job without numbers.
    """
    job = next((job for job in jobs if job.name == name), None)
    if job is None:
        return []
    value, null, spread = (field.flatten() for field in (job.value, job.null, job.spread))
    bound = value.isnan() & needs_both_signs | is_bound_to_null(value, null, spread)
    pairs = zip(is_near_null(value, null, spread).tolist(), bound.tolist(), strict=True)
    return ["bound" if is_bound else "near" if is_near else "" for is_near, is_bound in pairs]


def pattern_jobs(run: AttentionRun) -> list[HeadJob]:
    """What is seen in the weights alone: looking at known places, resting on the first token, subtracting.

    Of more than MOST_TOKENS tokens the first are read.
    """
    rows = slice(0, min(len(run.tokens), MOST_TOKENS))
    places = known_places(run.tokens, rows.stop)
    layers: list[Fields] = []
    for layer, attention in enumerate(run.layers):
        if attention is None:
            layers.append({})
            continue
        pattern = torch.stack([run.weights(layer, head, rows)[:, rows] for head in range(run.n_heads)])
        layers.append(layer_jobs(pattern, run.visible_of(layer, rows)[:, rows], places))
    return jobs_of_layers(layers, run.n_heads)


def jobs_of_layers(layers: Sequence[Fields], heads: int) -> list[HeadJob]:
    """The jobs of layers, NaN for the heads of one that lacks them."""
    nothing = {field: torch.full((heads,), torch.nan) for field in ("value", "null", "spread", "rows")}
    return [
        HeadJob(name, **{field: torch.stack([jobs.get(name, nothing)[field] for jobs in layers]) for field in nothing})
        for name in dict.fromkeys(name for jobs in layers for name in jobs)
    ]


def layer_jobs(
    pattern: Float[Tensor, "head query key"],
    visible: Bool[Tensor, "query key"],
    places: Mapping[str, Bool[Tensor, "query key"]],
) -> Fields:
    """The fields of every HeadJob for one layer; rows that see one key tell nothing, and are left out."""
    seen = visible & (visible.sum(-1, keepdim=True) >= 2)
    counted = pattern.where(seen, 0.0)
    jobs = shares_of_places(counted, seen, places)
    return {**jobs, NEGATIVE: negative_share(counted)} if bool((counted < 0).any()) else jobs


def known_places(tokens: Prompt, count: int) -> dict[str, Bool[Tensor, "query key"]]:
    """The cells of the first tokens that each kind of head would fill; those of an order only where there is one."""
    first = torch.zeros(count, count, dtype=torch.bool)
    first[:, 0] = True
    if not isinstance(tokens, PromptTokens) or not tokens.is_ordered:
        return {SINK: first}
    of_order = dict(zip(TARGETS, targets(torch.tensor(tokens.ids)[:count]), strict=True))
    return {**of_order, SELF: torch.eye(count, dtype=torch.bool), SINK: first}


def shares_of_places(
    pattern: Float[Tensor, "head query key"],
    visible: Bool[Tensor, "query key"],
    places: Mapping[str, Bool[Tensor, "query key"]],
) -> Fields:
    """The share of weight on each kind of cell, beside that of a row whose keys are shuffled."""
    scores = layer_detector_scores(pattern, cells_of(torch.stack([*places.values()]) & visible, visible, pattern.dtype))
    fields = {"value": "share", "null": "share_null", "spread": "share_null_spread", "rows": "rows"}
    return {name: {to: scores[of][at] for to, of in fields.items()} for at, name in enumerate(places)}


def negative_share(pattern: Float[Tensor, "head query key"]) -> dict[str, Float[Tensor, "head"]]:
    """Σ abs(a)·1[a < 0] / Σ abs(a), mean over rows, beside that of a row whose signs are dealt anew."""
    sums = row_sums(pattern)
    total = sums.total[..., 0]
    counted = total > 0
    rows, null = counted.sum(-1), mean_share(sums, negative_sum(sums), counted)
    value = row_negative_mass(total, sums.signed[..., 0]).where(counted, 0.0).sum(-1) / rows
    return {"value": value, "null": null.mean, "spread": null.variance.sqrt(), "rows": rows.double()}


def copying_jobs(copying: PromptCopying) -> list[HeadJob]:
    """What heads do to the logits of the tokens that they read, beside tokens drawn anew."""
    many = torch.full_like(copying.copying, torch.inf)
    return [
        HeadJob(COPYING, copying.copying, copying.copying_null, copying.copying_null_spread, many),
        HeadJob(DELETION, copying.suppression, copying.suppression_null, copying.suppression_null_spread, many),
    ]


def circuit_heads(model: HookedModel, seed: int = 0) -> dict[str, CircuitHead]:
    """The head of each detector on SPAN random tokens that come twice (Olsson et al. 2022, arXiv 2209.11895).

    Raises ValueError for a model whose context is shorter.
    """
    if model.cfg.n_ctx < 2 * SPAN:
        raise ValueError(f"circuits are looked for in {2 * SPAN} tokens; the model's context has {model.cfg.n_ctx}")
    ids = torch.randint(model.cfg.d_vocab, (SPAN,), generator=torch.Generator().manual_seed(seed)).tolist() * 2
    run = attention_run(model, PromptTokens(tuple(ids), tuple(map(str, ids))))
    jobs = [job for job in pattern_jobs(run) if job.name in TARGETS]
    beyond_chance = stands_out(jobs)
    return {job.name: strongest_head(job, beyond_chance[job.name]) for job in jobs}


def strongest_head(job: HeadJob, beyond_chance: Bool[Tensor, "layer head"]) -> CircuitHead:
    """The head with the largest share, in thousandths."""
    layer, head = divmod(int(job.value.nan_to_num(-1.0).argmax()), job.value.shape[1])
    share, chance = (round(float(field[layer, head]), 3) for field in (job.value, job.null))
    return CircuitHead(head_name(layer, head), share, chance, bool(beyond_chance[layer, head]))
