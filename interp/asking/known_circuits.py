"""Known circuits: the head that looks most where each known kind of head would, on random tokens twice."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from headscope.interp.asking.head_jobs import HeadJob, pattern_jobs, stands_out
from headscope.interp.detectors.targets import TARGETS
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.head_score import head_name

SPAN = 96  # random tokens, that come twice


@dataclass(frozen=True)
class CircuitHead:
    """The head with the largest share of its weight on the cells of a kind, and that share by chance, both in [0, 1].

    is_there: whether it lies further above chance than one model in a hundred does by chance
    (interp/asking/head_jobs.py).
    """

    head: str
    share: float
    chance: float
    is_there: bool


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
