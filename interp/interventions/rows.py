"""The rows of interventions in the table of analyses: every head edited by itself, and suppression alone."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.interventions.intervention import VALUELESS
from headscope.interp.interventions.suppression_effect import SAMPLES, SuppressionEffect, suppression_effect
from headscope.interp.interventions.sweep import NULL_SAMPLES, InterventionSweep, sweep
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.size import Size
from headscope.interp.reading.watch import Watch
from headscope.models.attention import variant_named


def prompt_sweep(request: AnalysisRequest, watch: Watch) -> InterventionSweep:
    """Every head edited by itself on a prompt."""
    [prompt] = request.prompts
    return sweep(request.model, prompt, watch=watch)


def prompt_suppression(request: AnalysisRequest, watch: Watch) -> SuppressionEffect:
    """What suppression alone explains of every head, over all prompts."""
    return suppression_effect(request.model, [text_alone(prompt) for prompt in request.prompts], watch=watch)


KEPT = 3  # passes: the untouched run, every layer of it again, and the small ones that see where passes can begin


def sweep_cost(size: Size) -> int:
    """A run of every head for each kind of edit and each null; without negative weights `flip` and `zero` are left."""
    times = {True: 2, False: len(VALUELESS) + NULL_SAMPLES}
    variants = [(layer, size.facts.layer_variants[layer]) for layer in size.facts.head_layers]
    runs = sum(size.passes_by_head_from(layer, times[variant_named(name).non_negative]) for layer, name in variants)
    return runs + size.passes_over_prompts(KEPT)


def suppression_cost(size: Size) -> int:
    """A run of every head for each ablation and each null."""
    runs = sum(size.passes_by_head_from(layer, 2 + SAMPLES) for layer in size.facts.head_layers)
    return runs + size.passes_over_prompts(KEPT)


PROBES = (
    Probe(
        "interventions",
        "what changes when one head keeps only its positive or negative weights, their size, or none of them",
        prompt_sweep,
        reads_answer=True,
        cost=sweep_cost,
        per_head=True,
        runs_heads=True,
        telling={"kl.zero": 4},
        row_laws="any: edits of signs do nothing where no weight is negative",
    ),
    Probe(
        "suppression",
        "how much of a head's effect is left when it may only suppress the tokens that it attends to",
        prompt_suppression,
        together=True,
        matrices=("W_O", "W_U"),
        text_only="suppresses the logits of the tokens that a head reads, and patches have none of their own",
        missing=lambda request: request.setting.facts.hidden_additions,
        own_logits=True,
        reads_answer=True,
        cost=suppression_cost,
        per_head=True,
        runs_heads=True,
        row_laws="any: what a head takes off the logits of what it reads, whichever of weight and OV is negative",
    ),
)
