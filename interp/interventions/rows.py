"""The rows of interventions in the table of analyses: every head edited by itself, and suppression alone."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.interventions.intervention import VALUELESS
from headscope.interp.interventions.suppression_effect import SuppressionEffect, suppression_effect
from headscope.interp.interventions.sweep import NULL_SAMPLES, InterventionSweep, sweep
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.watch import Watch
from headscope.interp.results.nulls import SAMPLES


def prompt_sweep(request: AnalysisRequest, watch: Watch) -> InterventionSweep:
    """Every head edited by itself on a prompt."""
    [prompt] = request.prompts
    return sweep(request.model, prompt, watch=watch)


def prompt_suppression(request: AnalysisRequest, watch: Watch) -> SuppressionEffect:
    """What suppression alone explains of every head, over all prompts."""
    return suppression_effect(request.model, [text_alone(prompt) for prompt in request.prompts], watch=watch)


PROBES = (
    Probe(
        "interventions",
        "what changes when one head keeps only its positive or negative weights, their size, or none of them",
        prompt_sweep,
        reads_answer=True,
        cost=lambda size: size.passes_by_head(len(VALUELESS) + NULL_SAMPLES),
        per_head=True,
        runs_heads=True,
        telling={"kl.zero": 4},
    ),
    Probe(
        "suppression",
        "how much of a head's effect is left when it may only suppress the tokens that it attends to",
        prompt_suppression,
        together=True,
        matrices=("W_O", "W_U"),
        text_only="suppresses the logits of the tokens that a head reads, and patches have none of their own",
        own_logits=True,
        reads_answer=True,
        cost=lambda size: size.passes_by_head(2 + SAMPLES),
        per_head=True,
        runs_heads=True,
    ),
)
