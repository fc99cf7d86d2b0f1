"""Head passages: the passages of a corpus in which a head does most of something, beside what other heads do there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.corpus.extremes import (
    MEASURES,
    ON_LOGITS,
    PassageExtremes,
    joined_extremes,
    passage_extremes,
    unreadable_logits,
)
from headscope.interp.corpus.passages import LENGTH, PASSAGES, SHORTEST, Passage, corpus_passages
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.model_facts import model_facts, model_gauges
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.gauges import Gauge
from headscope.interp.results.head_score import head_name
from headscope.interp.results.nulls import is_near_null
from headscope.interp.results.result import Result
from headscope.models.data.document import Document
from headscope.models.io.near_names import known_names

NULL = "the other heads of the model in the same passage, each at its own extreme"
SEEN = f"rows that see {SHORTEST} tokens or more"
VALUES = ("value", "value_null", "value_null_spread", "weight")
OF_WEIGHT: dict[Gauge, tuple[str, ...]] = {"odd": ("weight",), "scale": ("weight",)}
ABOUTS = {
    "strongest_weight": About(
        title="Where a head's weight is strongest",
        unit="weight",
        law=f"max |A| of the passage; {SEEN}, and not the first token as a key, on which many heads rest",
        source="headscope",
        null=NULL,
        by_gauge={**OF_WEIGHT, "scale": VALUES},
        plain="The passages in which this head puts most weight on a single token.",
    ),
    "negative_mass": About(
        title="Where a head subtracts most",
        unit="share",
        law=f"max over rows of Σ|A|·1[A < 0] / Σ|A|; {SEEN}",
        source="Lv et al. 2024 (arXiv 2411.07176), row by row",
        null=NULL,
        by_gauge={**OF_WEIGHT, "odd": VALUES},
        plain="The passages with a row in which most of this head's weight subtracts.",
    ),
    "deletion": About(
        title="Where a head deletes most",
        unit="logits, against their mean over the vocabulary",
        law=f"max −C[d, s], C as of the contributions of a head; {SEEN}, and not the first token as a source",
        source="headscope, after Lv et al. 2024 (arXiv 2411.07176)",
        null=NULL,
        by_gauge=OF_WEIGHT,
        plain="The passages in which this head lowers most the logit of a token that it reads.",
    ),
    "copying": About(
        title="Where a head copies most",
        unit="logits, against their mean over the vocabulary",
        law=f"max C[d, s], C as of the contributions of a head; {SEEN}, and not the first token as a source",
        source="headscope, after Elhage et al. 2021",
        null=NULL,
        by_gauge=OF_WEIGHT,
        plain="The passages in which this head raises most the logit of a token that it reads.",
    ),
}


@dataclass(frozen=True, repr=False)
class HeadPassages(Result):
    """The most extreme first; row and key: where in the passage, weight: of that cell.

    usual, usual_spread: mean and standard deviation of the same number of this head over all `read` passages, among
    which these are the largest. value_null is NaN in a model of one head. texts: of the passages, wheres: their places.
    """

    drawn_by = "deletion:head_passages_figure"

    value: Float[Tensor, "passage"]
    value_null: Float[Tensor, "passage"]
    value_null_spread: Float[Tensor, "passage"]
    row: Int[Tensor, "passage"]
    key: Int[Tensor, "passage"]
    weight: Float[Tensor, "passage"]
    head: str
    by: str
    read: int
    usual: float
    usual_spread: float
    texts: tuple[str, ...]
    wheres: tuple[str, ...]

    @property
    def is_near_null(self) -> Bool[Tensor, "passage"]:
        """Whether the number is near that of the other heads in the same passage."""
        return is_near_null(self.value, self.value_null, self.value_null_spread)


def head_passages(
    model: HookedModel,
    texts: Sequence[str | Document],
    layer: int,
    head: int,
    by: str = "strongest_weight",
    most: int = 10,
    *,
    count: int = PASSAGES,
    length: int = LENGTH,
    prepend_bos: bool | None = None,
    watch: Watch = watch_nothing,
) -> HeadPassages:
    """The passages of texts in which a head is most extreme; it takes `count` passes over `length` tokens at most.

    by: one of MEASURES. watch(done, total) counts passages. To ask more of the same passages, read them once with
    `corpus_passages` and `passage_extremes`, which hold all heads, and choose with `most_extreme`. Hooks are state: one
    run in at a time. Raises ValueError for what model and texts do not have.
    """
    refuse_unknown(model, layer, head, by)
    passages = corpus_passages(model, texts, count, length, prepend_bos)
    parts: list[PassageExtremes] = []
    for at, passage in enumerate(passages):
        parts.append(passage_extremes(model, [passage.tokens]))
        watch(at + 1, len(passages))
    return most_extreme(model, passages, joined_extremes(parts), layer, head, by, most)


def refuse_unknown(model: HookedModel, layer: int, head: int, by: str) -> None:
    """Raise ValueError for a measure or a head that is not there, and where logits say nothing."""
    if by not in MEASURES:
        raise ValueError(f"unknown measure {by!r}; known: {known_names(by, MEASURES)}")
    layers, heads = head_layers(model), model.cfg.n_heads
    if layer not in layers or not 0 <= head < heads:
        raise ValueError(
            f"there is no head {head_name(layer, head)}; layers {', '.join(map(str, layers))} have {heads} each"
        )
    if by in ON_LOGITS and (why := unreadable_logits(model_facts(model), model)):
        raise ValueError(f"{by} is of the logits of the tokens that a head reads, and {why}")


def most_extreme(
    model: HookedModel,
    passages: Sequence[Passage],
    extremes: PassageExtremes,
    layer: int,
    head: int,
    by: str,
    most: int = 10,
) -> HeadPassages:
    """Of passages that were read, perhaps a part of them. Raises ValueError where the head does nothing of the kind."""
    refuse_unknown(model, layer, head, by)
    at, measure = head_layers(model).index(layer), MEASURES.index(by)
    values = extremes.value[measure]
    own = values[:, at, head]
    there = own.isfinite() & (own > 0)
    if not there.any():
        raise ValueError(f"{head_name(layer, head)} does nothing of the kind in {len(own)} passages")
    chosen = own.masked_fill(~there, -torch.inf).topk(min(most, int(there.sum()))).indices
    null = other_heads(values[chosen], at, head)
    row, key, weight = (field[measure, chosen, at, head] for field in (extremes.row, extremes.key, extremes.weight))
    read = [passages[i] for i in chosen.tolist()]
    names = [f"{item.where} {item.tokens.strings[k]!r}" for item, k in zip(read, key.tolist(), strict=True)]
    return HeadPassages(
        own[chosen],
        *null,
        row,
        key,
        weight,
        head_name(layer, head),
        by,
        len(own),
        float(own[own.isfinite()].mean()),
        float(own[own.isfinite()].std(correction=0)),
        tuple(item.text for item in read),
        tuple(item.where for item in read),
        about=ABOUTS[by].of_gauges(model_gauges(model)),
        labels={"passage": tuple(names)},
    )


def other_heads(
    values: Float[Tensor, "passage layer head"], layer: int, head: int
) -> tuple[Float[Tensor, "passage"], Float[Tensor, "passage"]]:
    """Mean and spread over the other heads that have such a number."""
    flat = values.flatten(1)
    others = torch.ones(flat.shape[1], dtype=torch.bool)
    others[layer * values.shape[2] + head] = False
    rest = flat[:, others]
    mean = rest.nanmean(1)
    return mean, (rest - mean[:, None]).square().nanmean(1).sqrt()
