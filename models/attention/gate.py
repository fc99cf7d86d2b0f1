"""Output gate: σ(x W_g + b) on what a head puts out, whatever its weights (Qiu et al. 2025, arXiv 2505.06708)."""

from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.learned_part import Hidden
from headscope.models.attention.widening import at_least_float32

PAPER = "Qiu et al. 2025, arXiv 2505.06708"
GATES = ("head", "element")
OPEN = 5.0  # σ(5) = 0.993


def check_gate(gate: object) -> None:
    """Refuse what is no kind of gate; None gates nothing."""
    if gate is not None and gate not in GATES:
        raise ValueError(f"gate is 'head', 'element', or None for none; got {gate!r}")


class OutputGate(nn.Module):
    """σ(x W_g + b), x being what the attention module reads; a number per head, or per entry of its output.

    Starts at one half everywhere, W_g and b being 0; `still` opens it, for a model that was trained without.
    """

    def __init__(self, kind: str, shape: LayerShape) -> None:
        super().__init__()
        self.n_heads, self.by_entry = shape.n_heads, kind == "element"
        self.projection = nn.Linear(shape.model_width, shape.n_heads * (1 if kind == "head" else shape.output_size))
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def still(self) -> None:
        """Start almost open."""
        nn.init.constant_(self.projection.bias, OPEN)

    def forward(self, hidden: Hidden) -> Float[Tensor, "batch head query d_value_or_one"]:
        """The gate of every query."""
        gates = at_least_float32(self.projection(hidden)).sigmoid()
        return gates.view(*gates.shape[:2], self.n_heads, -1).transpose(1, 2)
