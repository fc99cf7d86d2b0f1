"""The table of attention variants: a new one is one file and one row here."""

from headscope.models.attention.variant import Variant
from headscope.models.attention.variants.cog import COG
from headscope.models.attention.variants.differential import DIFFERENTIAL
from headscope.models.attention.variants.entmax import ENTMAX
from headscope.models.attention.variants.expressive import EXPRESSIVE
from headscope.models.attention.variants.forgetting import FORGETTING
from headscope.models.attention.variants.polynomial import POLYNOMIAL
from headscope.models.attention.variants.relu import RELU
from headscope.models.attention.variants.scalable import SCALABLE
from headscope.models.attention.variants.selective import SELECTIVE
from headscope.models.attention.variants.sigmoid import SIGMOID
from headscope.models.attention.variants.sink import SINK
from headscope.models.attention.variants.softmax import SOFTMAX
from headscope.models.attention.variants.softpick import SOFTPICK
from headscope.models.attention.variants.stick_breaking import STICK_BREAKING
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
    "sigmoid": SIGMOID,
    "softpick": SOFTPICK,
    "relu": RELU,
    "entmax": ENTMAX,
    "scalable": SCALABLE,
    "stick_breaking": STICK_BREAKING,
}


def variant_named(name: str) -> Variant:
    """The row of the table, or an error that lists the rows."""
    if name not in VARIANTS:
        raise ValueError(f"unknown attention {name!r}; known: {known_names(name, VARIANTS)}")
    return VARIANTS[name]


def leaves_mass(name: str) -> bool:
    """Whether rows of a variant may sum to less than 1, the rest going to no token; never of what is no variant."""
    return name in VARIANTS and VARIANTS[name].row_law.leaves_mass
