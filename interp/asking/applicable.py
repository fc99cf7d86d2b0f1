"""Fitting: which rows of the table of analyses are meant, and which of them have something to say here."""

from collections.abc import Sequence

from headscope.interp.analysis import Analysis, AnalysisRequest, Probe
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.activations import MIXING, OF_MIXERS, has_hook
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.models.hosts.words import filled
from headscope.models.io.near_names import known_names

ALL = "all"  # in the place of names: every analysis that fits, whatever it costs

HEADLESS = "reads logits, and this model has no head that gives any: its attention is what can be read"


def is_by_name(what: Sequence[str] | None) -> bool:
    """Whether analyses are named; None and ALL leave it to what fits."""
    return what is not None and list([what] if isinstance(what, str) else what) != [ALL]


def rows_named(what: Sequence[str] | None) -> list[Analysis | Probe]:
    """The rows of the table that are meant, or all of them."""
    if what is None or not is_by_name(what):
        return list(ANALYSES.values())
    names = dict.fromkeys([what] if isinstance(what, str) else what)
    if unknown := [name for name in names if name not in ANALYSES]:
        raise ValueError(f"unknown analysis {unknown[0]!r}; known: {known_names(unknown[0], ANALYSES)}")
    if not names:
        raise ValueError(f"no analysis was asked for; known: {', '.join(ANALYSES)}")
    return [ANALYSES[name] for name in names]


def misfits(rows: Sequence[Analysis | Probe], request: AnalysisRequest) -> dict[str, str]:
    """The analyses that have nothing to say here, and why."""
    return {row.name: words for row in rows if (words := misfit(row, request))}


def misfit(analysis: Analysis | Probe, request: AnalysisRequest) -> str:
    """Why an analysis has nothing to say here, as the end of a sentence, or nothing."""
    facts, prompts = request.setting.facts, len(request.prompts)
    if words := unsuited(analysis, facts):
        return words
    if analysis.matrices and (words := request.setting.weights.misread_words(analysis.matrices)):
        return words
    if analysis.reads_answer and (words := unanswered(facts, request.prompts)):
        return words
    needs = analysis.needs if isinstance(analysis, Analysis) else analysis.hooks
    if lost := [name for name in needs if not has_hook(request.model, name)]:
        return f"reads {lost[0]}, and this model has no such hook"
    if analysis.over_tokens and prompts > 1:
        return filled("runs over the {tokens} of one {prompt}, and ", facts.words) + f"{prompts} were given: give one"
    return analysis.missing(request) if isinstance(analysis, Probe) else ""


def unanswered(facts: ModelFacts, prompts: Sequence[Prompt]) -> str:
    """Why a model answers nothing to these prompts, as the end of a sentence, or nothing."""
    if not facts.is_headed:
        return HEADLESS
    if not facts.modality.asks_masks or not any(prompt.answers_by_position for prompt in prompts):
        return ""
    gap = "this prompt has none" if len(prompts) == 1 else "not every prompt has one"
    if not facts.mask:
        return (
            f"asks what stands at a mask, and {gap}: no tokenizer names the mask, so give a PromptTokens with its place"
        )
    return f"asks what stands at a mask, and {gap}: put {facts.mask} in the place of a word"


def unsuited(analysis: Analysis | Probe, facts: ModelFacts) -> str:
    """Why an analysis has nothing to say of any prompt of such a model, as the end of a sentence, or nothing."""
    if analysis.text_only and not facts.modality.reads_ids:
        return analysis.text_only
    if (analysis.own_logits or analysis.reads_answer) and not facts.is_headed:
        return HEADLESS
    if analysis.own_logits and facts.answers is not None:
        return f"asks for the logits of the tokens that are read, and this model's are of {facts.answers} answers"
    if analysis.looks_back and facts.modality.reads_ids and not facts.is_causal:
        return "looks for what stood before a token, and a token of this model sees those after it too"
    if analysis.by_heads_alone and (words := facts.mixed_without_heads):
        return f"follows what passes from token to token through heads alone, and {words}"
    if facts.reads_mixers and isinstance(analysis, Probe) and not analysis.of_rows:
        return "runs the model and edits what is attended to or follows it, and mixers are read by their rows alone"
    if facts.hidden_additions and isinstance(analysis, Analysis) and MIXING in analysis.needs:
        return facts.hidden_additions
    needs = analysis.needs if isinstance(analysis, Analysis) else ()
    if facts.reads_mixers and (lost := [name for name in needs if name.startswith("attn.") and name not in OF_MIXERS]):
        return f"reads {lost[0]}, which layers without attention do not have"
    if words := analysis.unfit(facts):
        return words
    if isinstance(analysis, Analysis) and not analysis.applies(facts):
        return f"says nothing about a model with {facts.variant} attention: {filled(analysis.summary, facts.words)}"
    return ""
