"""Selected points: what plotly says of the points of a figure that were chosen."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict


class SelectedPoint(TypedDict):
    """One of them: which trace, which of its points, and what the trace keeps with it."""

    curve_number: int
    point_index: int
    customdata: NotRequired[Sequence[object]]


class Selection(TypedDict, total=False):
    """All of them."""

    points: Sequence[SelectedPoint]


OnSelect = Callable[[Selection], None]
