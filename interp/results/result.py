"""Result: what an analysis found, as a frozen record of labelled tensors that shows, tabulates and stores itself."""

# pyright: reportMissingTypeStubs=false

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_type_hints

import numpy as np
from torch import Tensor

from headscope.interp.results.about import About
from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names

if TYPE_CHECKING:
    import pandas as pd

    from headscope.interp.figures.static.portable import PortableFigure

FIGURES = "headscope.interp.figures"
PLOTLY, SVG = "application/vnd.plotly.v1+json", "image/svg+xml"
Labels = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Result:
    """Abstract. A subclass is a frozen dataclass whose tensor fields are annotated with named axes.

    about: what the numbers are: unit, law, source, assumptions, null, gauge.
    labels: axis -> one name per index (tokens, heads); an axis without labels is numbered.
    drawn_by: the module in interp/figures and its function, imported when the result is first drawn; or a function.
    A field `x_null` holds the null of the score `x` (about.null says which), `x_null_spread` its standard deviation.
    """

    drawn_by: ClassVar[str | Callable[..., Any]] = ""

    about: About = field(kw_only=True)
    labels: Labels = field(default_factory=dict[str, tuple[str, ...]], kw_only=True)

    @classmethod
    def axes(cls) -> dict[str, tuple[str, ...]]:
        """Tensor field -> names of its axes, as its annotation gives them."""
        return _axes(cls)

    def tensors(self) -> dict[str, Tensor]:
        """The tensor fields that are there, by name."""
        return {name: value for name in self.axes() if (value := getattr(self, name)) is not None}

    def figure(self) -> "PortableFigure":
        """The result's figure. Raises ValueError for a kind of result that names none."""
        if not self.drawn_by:
            raise ValueError(f"a {type(self).__name__} names no figure that draws it")
        if not isinstance(drawing := type(self).drawn_by, str):
            return drawing(self)
        module, function = drawing.split(":")
        return getattr(import_module(f"{FIGURES}.{module}"), function)(self)

    def show(self) -> None:
        """Show the figure: in a notebook's cell, else in a browser."""
        ipython: Any = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            ipython.display.display(self)
        else:
            figure: Any = self.figure()
            figure.show()

    def to_frame(self, field: str | None = None) -> "pd.DataFrame":
        """A row per index of a field (by default the first): its axes, their labels, and all fields of those axes.

        A complex field is two columns, name_real and name_imaginary.
        """
        import pandas as pd

        chosen = self._chosen(field)
        axes, shape = self.axes()[chosen], self.tensors()[chosen].shape
        columns: dict[str, np.ndarray] = {}
        for axis, index in zip(axes, np.indices(tuple(shape)).reshape(len(shape), -1), strict=True):
            columns[axis] = index
            if axis in self.labels:
                columns[f"{axis}_label"] = np.array(self.labels[axis], dtype=object)[index]
        for name, tensor in self.tensors().items():
            if self.axes()[name] == axes and tensor.shape == shape:
                columns |= _columns(name, tensor.detach().cpu().flatten())
        return pd.DataFrame(columns)

    def to_csv(self, field: str | None = None) -> str:
        """to_frame as CSV."""
        return str(self.to_frame(field).to_csv(index=False))  # pyright: ignore[reportUnknownMemberType]

    def to_json(self) -> Fields:
        """Plain values with stable keys; numbers that are not finite are None."""
        gauge = self.about.gauge_dependent
        axes = self.axes()
        return {
            "kind": type(self).__name__,
            "about": self.about.to_json(),
            "labels": {axis: list(names) for axis, names in self.labels.items()},
            "fields": {
                name: {"axes": list(axes[name]), "gauge_dependent": name in gauge, "values": plain(tensor)}
                for name, tensor in self.tensors().items()
            },
            "facts": self.facts(),
        }

    def facts(self) -> Fields:
        """The plain fields that are no tensors: options, names, counts."""
        skipped = {"about", "labels", *self.axes()}
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name not in skipped}

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.tensors().items())
        return f"{type(self).__name__}({self.about.title}: {shapes})"

    def _chosen(self, field: str | None) -> str:
        known = list(self.tensors())
        if field is not None and field not in known:
            raise ValueError(f"{type(self).__name__} has no field {field!r}; known: {known_names(field, known)}")
        return known[0] if field is None else field

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Fields:
        """The figure where Jupyter draws plotly, its picture where no script runs, and one line of text."""
        figure: Any = self.figure()
        return {PLOTLY: json.loads(str(figure.to_json())), SVG: figure.svg(), "text/plain": repr(self)}


@cache
def _axes(cls: type[Result]) -> dict[str, tuple[str, ...]]:
    """Names of axes by field, read from annotations such as Float[Tensor, "layer head"] or that | None."""
    result: dict[str, tuple[str, ...]] = {}
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint = hints[item.name]
        for kind in (hint, *get_args(hint)):
            if isinstance(dims := getattr(kind, "dim_str", None), str):
                result[item.name] = tuple(dims.split())
    return result


def _columns(name: str, values: Tensor) -> dict[str, np.ndarray]:
    """A field as columns of a table, whose numbers are real."""
    if values.is_complex():
        return {f"{name}_real": values.real.numpy(), f"{name}_imaginary": values.resolve_conj().imag.numpy()}
    return {name: values.numpy()}


def plain(tensor: Tensor) -> Any:
    """A tensor as nested lists; numbers that are not finite become None, complex ones [real, imaginary]."""
    if tensor.is_complex():
        return plain(tensor.detach().resolve_conj().view(tensor.real.dtype).unflatten(-1, (-1, 2)))  # pyright: ignore[reportUnknownArgumentType]
    array = tensor.detach().cpu().numpy()
    if array.dtype.kind in "iub" or np.isfinite(array).all():
        return array.tolist()
    holed = array.astype(object)
    holed[~np.isfinite(array)] = None
    return holed.tolist()
