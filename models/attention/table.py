"""The table of attention variants: a new one is one file and one row here."""

from headscope.models.attention.variant import Variant
from headscope.models.attention.variants.cog import COG
from headscope.models.attention.variants.differential import DIFFERENTIAL
from headscope.models.attention.variants.expressive import EXPRESSIVE
from headscope.models.attention.variants.forgetting import FORGETTING
from headscope.models.attention.variants.polynomial import POLYNOMIAL
from headscope.models.attention.variants.selective import SELECTIVE
from headscope.models.attention.variants.sink import SINK
from headscope.models.attention.variants.softmax import SOFTMAX
from headscope.models.io.near_names import known_names

VARIANTS: dict[str, Variant] = {
    "softmax": SOFTMAX,
    "cog": COG,
    "expressive": EXPRESSIVE,
    "selective": SELECTIVE,
    "polynomial": POLYNOMIAL,
    "sink": SINK,
    "forgetting": FORGETTING,
    "differential": DIFFERENTIAL,
}


def variant_named(name: str) -> Variant:
    """The row of the table, or an error that lists the rows."""
    if name not in VARIANTS:
        raise ValueError(f"unknown attention {name!r}; known: {known_names(name, VARIANTS)}")
    return VARIANTS[name]
