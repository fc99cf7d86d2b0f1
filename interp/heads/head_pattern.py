"""Head pattern: the signed weights of one head on one prompt, as a result that shows and stores itself."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.results.about import About
from headscope.interp.results.all_layers import refuse_absent_head
from headscope.interp.results.result import Result
from headscope.models.attention import variant_named
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Attention",
    unit="weight",
    law="a[t, s]: how much of the value of key s the query t receives; grey: the query does not see the key",
    source="Vaswani et al. 2017, arXiv 1706.03762",
    by_gauge={"odd": ("pattern",), "scale": ("pattern",)},
    plain=Sentence("How much each {token} takes from every {token} it sees. Blue adds what is read, red subtracts it."),
)


@dataclass(frozen=True, repr=False)
class HeadPattern(Result):
    """The weights of every query over the keys; NaN where the mask hides the key.

    nothing: 1 − Σ a of every query, where rows may sum to less than 1; else None.
    """

    drawn_by = "head_pattern:head_pattern_figure"

    pattern: Float[Tensor, "query key"]
    nothing: Float[Tensor, "query"] | None = None


def head_pattern(run: AttentionRun, facts: ModelFacts, layer: int, head: int) -> HeadPattern:
    """The pattern of one head of a run. Raises ValueError for a head that the run does not have."""
    refuse_absent_head(facts.head_layers, run.n_heads, layer, head)
    variant = facts.layer_variants[layer]
    kind = "Effective pattern" if facts.reads_mixers else "Attention"
    title = f"{kind} of L{layer}H{head} ({facts.layer_mechanisms[layer]})"
    source = facts.paper if variant == facts.variant else variant_named(variant).paper
    about = replace(ABOUT, title=title, source=source)
    about = about.of_gauges(facts.gauges if variant == facts.variant else ())
    seen = run.weights(layer, head).where(run.visible_of(layer), torch.nan)
    nothing = 1 - seen.nansum(-1) if layer in run.leaving_mass else None
    return HeadPattern(seen, nothing, about=about, labels={"query": run.tokens.strings, "key": run.tokens.strings})


def strongest_partners(
    pattern: Float[Tensor, "query key"], position: int, most: int, *, is_query: bool
) -> list[tuple[int, float]]:
    """The positions that a query weighs most by abs(a), or those whose queries weigh a key most, with the weights."""
    weights = (pattern[position] if is_query else pattern[:, position]).nan_to_num()
    order = weights.abs().argsort(descending=True, stable=True)[:most].tolist()
    return [(at, float(weights[at])) for at in order if float(weights[at]) != 0]
