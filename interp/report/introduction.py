"""Report introduction: of which model and of which prompts a report is, and what was chosen."""

import html
from collections.abc import Sequence

from headscope.interp.asking.findings import Findings
from headscope.interp.reading.model_facts import ModelFacts

MOST_PROMPTS = 3


def introduction(findings: Findings) -> str:
    """The model, its prompts, what was chosen, and what was left out."""
    facts, count = findings.facts, len(findings.prompts)
    sizes = f"{len(facts.layer_variants)} layers of {facts.heads} heads, d_model {facts.d_model}"
    prompts = "".join(f"<pre>{html.escape(prompt.text)}</pre>" for prompt in findings.prompts[:MOST_PROMPTS])
    lines = [f"and {count - MOST_PROMPTS} more prompts"] if count > MOST_PROMPTS else []
    lines += [f"means over {count} prompts"] if count > 1 else []
    lines += [f"{name.replace('_', ' ')}: {value}" for name, value in findings.choices.items()]
    lines += [facts.pictures] if facts.pictures else []
    lines += facts.not_finite
    lines += [f"left out: {line}" for line in findings.left_out_in_words()]
    words = f"{variants_in_words(facts)} ({facts.paper}); {sizes}"
    return f"<h2>{html.escape(findings.model)}</h2><p>{html.escape(words)}</p>{prompts}{note_paragraphs(lines)}"


def variants_in_words(facts: ModelFacts) -> str:
    """Which variant is in which layers."""
    layers: dict[str, list[int]] = {}
    for layer, mechanism in enumerate(facts.layer_mechanisms):
        layers.setdefault(mechanism or "none", []).append(layer)
    if len(layers) == 1:
        return f"{facts.mechanism} attention in all layers"
    shown = sorted(layers, key=lambda mechanism: mechanism != facts.mechanism)
    return "attention: " + ", ".join(f"{mechanism} in {spans(layers[mechanism])}" for mechanism in shown)


def spans(layers: Sequence[int]) -> str:
    """layers 0, 2–4 and 7."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    return f"layer{'s' * (len(layers) > 1)} {listed}"


def note_paragraphs(lines: Sequence[str]) -> str:
    """Each line a paragraph of small print."""
    return "".join(f"<p class='note'>{html.escape(line)}</p>" for line in lines)
