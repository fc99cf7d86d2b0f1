"""The layouts of others' code that open, as pages have them: what the rows of the converters' table ask and assume."""

from docs.site.markdown import code, table
from headscope.models.checkpoints.converters.converter import Converter
from headscope.models.checkpoints.converters.facts import Fact
from headscope.models.checkpoints.converters.table import CONVERTERS


def formats_markdown() -> str:
    """A row for every layout, in the order in which they are tried."""
    heads = ("taken for", "holds", "asked for, where it is not stated", "assumed, where it is not stated")
    return table(heads, map(format_cells, CONVERTERS.values()))


def format_cells(converter: Converter) -> tuple[str, ...]:
    """A layout as a row of the table."""
    asked = [name for name, fact in converter.facts.items() if fact.assumed is None]
    assumed = [f"{name}={value_in_words(fact)}" for name, fact in converter.facts.items() if fact.assumed is not None]
    return converter.kind, converter.modality.words.tokens, code(asked) or "nothing", code(assumed) or "nothing"


def value_in_words(fact: Fact) -> str:
    """What a fact is taken for, or that its tensors decide it."""
    return "as its tensors are" if callable(fact.assumed) else str(fact.assumed)
