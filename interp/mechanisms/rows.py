"""The row of mechanisms in the table of analyses."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.mechanisms.compare import NULL_SAMPLES, MechanismComparison, mechanism_comparison
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.size import Size
from headscope.interp.reading.watch import Watch

KEPT = 3  # passes: the untouched run, that without the mechanism in any head, and those that see where passes can begin


def chosen_comparison(request: AnalysisRequest, watch: Watch) -> MechanismComparison:
    """Without the mechanism that was chosen, or the first that the model has."""
    name = request.choices.get("without") or request.setting.facts.mechanisms[0]
    return mechanism_comparison(request.model, request.prompts, str(name), watch=watch)


def none_there(facts: ModelFacts) -> str:
    """Why nothing can be taken out, as the end of a sentence, or nothing."""
    if facts.mechanisms:
        return ""
    kernels = sorted({*facts.layer_variants} - {"", "softmax"})
    its = f"{' and '.join(kernels)}, of which no part can go" if kernels else "plain softmax"
    return f"takes out what makes attention more than softmax, and this model's attention is {its}"


def comparison_cost(size: Size) -> int:
    """A run of every head without it, and of each null."""
    runs = sum(size.passes_by_head_from(layer, 1 + NULL_SAMPLES) for layer in size.facts.head_layers)
    return runs + size.passes_over_prompts(KEPT)


PROBES = (
    Probe(
        "mechanism",
        "what a mechanism beyond softmax buys: a head without its negative weights, its sink, gate, λ or temperature",
        chosen_comparison,
        together=True,
        unfit=none_there,
        reads_answer=True,
        cost=comparison_cost,
        reads=("without",),
        per_head=True,
        runs_heads=True,
        row_laws="any but plain stochastic softmax: each law has its own mechanism to take out",
    ),
)
