"""Selective self-attention: softmax(τ_q · S/√d) over values τ_v · V (Zhang et al. 2024, arXiv 2411.12892)."""

from headscope.models.attention.fused.library_softmax import fused_softmax
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.temperature import Temperature
from headscope.models.attention.variant import Variant
from headscope.models.attention.variants.softmax import BLOCKS, ELEMENT, pullback, weigh
from headscope.models.io.near_names import known_names

POSITIONS = ("paper", "paper_code", "none")


def learned(options: Options, shape: LayerShape) -> dict[str, Temperature]:
    """Query and value temperatures as the options ask; the paper's code tempers queries by position only."""
    if options["position"] == "paper_code":
        return {"temperature_q": Temperature(shape.query_width, "paper_code", token=False)}
    widths = {"temperature_q": shape.query_width, "temperature_v": shape.value_width}
    wanted = {"temperature_q": options["on_query"], "temperature_v": options["on_value"]}
    return {name: Temperature(widths[name], options["position"], options["token"]) for name in widths if wanted[name]}


def check_options(options: Options) -> None:
    if options["position"] not in POSITIONS:
        known = known_names(options["position"], POSITIONS)
        raise ValueError(f"selective: unknown position {options['position']!r}; known: {known}")
    check_flags("selective", options, "token", "on_query", "on_value")


SELECTIVE = Variant(
    name="selective",
    paper="Zhang et al. 2024, arXiv 2411.12892",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=True,
    fused=fused_softmax,
    blocks=BLOCKS,
    element=lambda kernel: ELEMENT,
    options={"position": "paper", "token": True, "on_query": True, "on_value": True},
    check_options=check_options,
    learned=learned,
    learns_temperatures=True,
    slope=softmax_slope,
)
