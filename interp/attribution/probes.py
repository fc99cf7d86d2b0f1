"""The rows of attribution that run the model: its head on every layer's residual, a clean and a corrupt prompt."""

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.attribution.gradients import attribution_patching
from headscope.interp.attribution.head_lens import prompt_head_lens
from headscope.interp.attribution.patching import Patching, activation_patching
from headscope.interp.interventions.kept_run import SEEN
from headscope.interp.interventions.path_patching import SAMPLES, PathPatching, path_patching
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.size import Size
from headscope.interp.reading.watch import Watch

GRADIENT = 3  # passes: one over both prompts, and the way back through one
OF_TEXTS = "moves activations between two texts; between two images it is not offered"


def pair_of(request: AnalysisRequest) -> PromptPair:
    """The pair, which `no_pair` has seen to."""
    assert request.pair is not None
    return request.pair


def no_pair(request: AnalysisRequest) -> str:
    """What is missing where no corrupt prompt was given."""
    return "" if request.pair else "needs a corrupt prompt, as long as the prompt, to patch from: give one"


def activation_patching_of_pair(request: AnalysisRequest, watch: Watch) -> Patching:
    """Activation patching of the pair."""
    return activation_patching(request.model, pair_of(request), watch=watch)


def attribution_patching_of_pair(request: AnalysisRequest, watch: Watch) -> Patching:
    """Attribution patching of the pair."""
    return attribution_patching(request.model, pair_of(request))


def path_patching_of_pair(request: AnalysisRequest, watch: Watch) -> PathPatching:
    """Path patching of the pair."""
    return path_patching(request.model, [pair_of(request)], watch=watch)


def path_patching_cost(size: Size) -> int:
    """Both prompts, the small passes that see where others begin, and every head's runs over one token."""
    tokens = len(size.lengths) * size.facts.heads * (1 + SAMPLES)
    by_head = sum(size.passes_from(layer, tokens) for layer in size.facts.head_layers)
    return size.passes_over_prompts(2) + size.passes(SEEN * (1 + size.layers)) + by_head


PROBES = (
    Probe(
        "head_lens",
        "What the model's own head would answer at the {last}, were the residual stream before each layer its last.",
        prompt_head_lens,
        over_tokens=True,
        reads_answer=True,
        cost=lambda size: (size.layers + 1) * sum(size.passes(length, length) for length in size.lengths),
    ),
    Probe(
        "activation_patching",
        "how much of the logit difference each activation of the clean prompt restores in the corrupt one",
        activation_patching_of_pair,
        over_tokens=True,
        missing=no_pair,
        text_only=OF_TEXTS,
        reads_answer=True,
        cost=lambda size: size.passes_by_head(1) + size.layers * sum(size.passes(n * n, n) for n in size.lengths),
        reads=("corrupt", "target", "distractor"),
        per_head=True,
    ),
    Probe(
        "attribution_patching",
        "the same to first order, from one gradient",
        attribution_patching_of_pair,
        over_tokens=True,
        missing=no_pair,
        text_only=OF_TEXTS,
        reads_answer=True,
        cost=lambda size: GRADIENT * size.pass_over_prompts(),
        reads=("corrupt", "target", "distractor"),
        per_head=True,
    ),
    Probe(
        "path_patching",
        "how much each head's output at the last position is worth to the logit difference, through MLPs alone",
        path_patching_of_pair,
        over_tokens=True,
        by_heads_alone=True,
        missing=no_pair,
        text_only=OF_TEXTS,
        reads_answer=True,
        cost=path_patching_cost,
        reads=("corrupt", "target", "distractor"),
        per_head=True,
    ),
)
