"""The table of attention variants: a new one is one file and one row here."""

from models.attention.cog import COG
from models.attention.expressive import EXPRESSIVE
from models.attention.polynomial import POLYNOMIAL
from models.attention.selective import SELECTIVE
from models.attention.softmax import SOFTMAX
from models.attention.variant import Variant
from models.near_names import known_names

VARIANTS: dict[str, Variant] = {
    "softmax": SOFTMAX,
    "cog": COG,
    "expressive": EXPRESSIVE,
    "selective": SELECTIVE,
    "polynomial": POLYNOMIAL,
}


def variant_named(name: str) -> Variant:
    """The row of the table, or an error that lists the rows."""
    if name not in VARIANTS:
        raise ValueError(f"unknown attention {name!r}; known: {known_names(name, VARIANTS)}")
    return VARIANTS[name]
