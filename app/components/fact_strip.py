"""Fact strip: the facts of a model in a line of small labels."""

from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.interp.reading.model_facts import ModelFacts
from headscope.models.seam.input_sizes import CLASS_TOKEN

_mount = component(
    "headscope_fact_strip",
    html="<dl></dl>",
    css=source_text("fact_strip.css"),
    js=source_text("fact_strip.js"),
)


def fact_strip(facts: ModelFacts, tokens: int) -> None:
    """Draw variant, paper, layers, heads, width, parameters, and how much of the context a prompt takes."""
    layers = len(facts.layer_variants)
    chosen = [str(layer) for layer, mechanism in enumerate(facts.layer_mechanisms) if mechanism == facts.mechanism]
    others = " or ".join(sorted({name or "none" for name in facts.layer_mechanisms} - {facts.mechanism}))
    rest = "the others are not shown" if facts.reads_mixers else f"{others} in the others"
    where = "all layers" if len(chosen) == layers else f"layers {', '.join(chosen)}; {rest}"
    pairs = {
        "mixer" if facts.reads_mixers else "attention": f"{facts.mechanism} in {where}",
        "defined in": facts.paper,
        "layers": str(layers),
        "heads per layer": str(facts.heads),
        "d_model": str(facts.d_model),
        "parameters": count_in_short(facts.parameters),
        **what_is_read(facts, tokens),
    }
    _mount(key="fact_strip", data=list(pairs.items()))


def what_is_read(facts: ModelFacts, tokens: int) -> dict[str, str]:
    """The vocabulary and how much of the context a prompt takes, or the classes and the patches of an image."""
    if facts.grid is None:
        return {"vocabulary": f"{facts.vocabulary:,}", "prompt": f"{tokens:,} of {facts.context:,} tokens"}
    rows, columns = facts.grid
    answered = f"{facts.vocabulary:,}" if facts.is_headed else "none: a vision encoder without a classifier"
    return {"classes": answered, "image": f"{rows} × {columns} patches{leading_in_words(facts.leading)}"}


def leading_in_words(leading: tuple[str, ...]) -> str:
    """The tokens before the patches, as the end of a phrase."""
    registers = sum(name != CLASS_TOKEN for name in leading)
    parts = ["the class token"] * (CLASS_TOKEN in leading) + [f"{registers} registers"] * bool(registers)
    return "".join(f" and {part}" for part in parts)


def count_in_short(count: int) -> str:
    """A count in thousands, millions or billions."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.2f} {name}"
    return str(count)
