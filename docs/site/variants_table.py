"""The attention variants as pages have them: what the rows of their table say, and the first lines of their files."""

from importlib import import_module

from docs.site.markdown import code, prose, table
from headscope.interp.results.gauges import MEANINGS, kernel_gauges
from headscope.models import attention
from headscope.models.attention import VARIANTS
from headscope.models.attention.variant import Variant


def variants_markdown() -> str:
    """A table of all, what their gauges mean, and a section of each."""
    heads = ("variant", "rows", "gauges", "source")
    gauges = table(
        ("gauge", "change of weights that leaves the function alone"),
        ((name, prose(text)) for name, text in MEANINGS.items()),
    )
    sections = map(section, VARIANTS.values())
    return "\n".join([table(heads, map(variant_cells, VARIANTS.values())), *sections, "## Gauges\n", gauges])


def variant_cells(variant: Variant) -> tuple[str, ...]:
    """A variant as a row of the table."""
    return (
        f"[{variant.name}](#{variant.name})",
        f"{variant.row_law}: {variant.row_law.formula}",
        ", ".join(kernel_gauges(variant.name, variant.options, is_rotated=False)) or "none of its kernel",
        variant.paper,
    )


def section(variant: Variant) -> str:
    """What a variant is, and what can be chosen of it."""
    options = code(f"{name}={value!r}" for name, value in variant.options.items())
    lines = [
        f"## {variant.name}",
        prose(docstring(variant.name)),
        f"Options, by default: {options}." if options else "",
    ]
    return "\n\n".join(filter(None, lines)) + "\n"


def docstring(name: str) -> str:
    """What a variant's file says of it first: its equation and its paper."""
    return str(import_module(f"{attention.__name__}.variants.{name}").__doc__).strip()
