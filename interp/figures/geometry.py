"""Figures of geometry: shares of angles by head, one head's histogram, joint embeddings, temperatures by token."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import GAUGE, bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.figures.heads import MOST_BARS, head_axes, head_heatmaps
from headscope.interp.figures.palette.colours import BLUE, CHANCE, GREY, MEANINGS, RED, bar_marker
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.geometry.angles import Angles
from headscope.interp.geometry.embedding import JointEmbedding
from headscope.interp.geometry.temperatures import Temperatures
from headscope.interp.results.head_score import head_name

SIDES = {
    "antiparallel": bar_marker(RED, is_striped=True),
    "orthogonal": bar_marker(MEANINGS["neither"]),
    "parallel": bar_marker(BLUE),
}
KINDS = {
    "queries": {"color": MEANINGS["query"], "symbol": "circle"},
    "keys": {"color": MEANINGS["key"], "symbol": "diamond"},
}
TEMPERED = {"query": "τ_q", "value": "τ_v", "query_beside_position": "τ_q", "value_beside_position": "τ_v"}


def angles_figure(angles: Angles) -> go.Figure:
    """A bar per head: attention on antiparallel, orthogonal and parallel keys; dashed lines where chance has them.

    Of many heads a grid of each.
    """
    if angles.parallel.numel() > MOST_BARS:
        return angle_grids(angles)
    layers, heads = angles.parallel.shape
    names = np.array([head_name(layer, head) for layer in range(layers) for head in range(heads)])
    bars = [
        go.Bar(
            x=names,
            y=getattr(angles, side).flatten().numpy(),
            name=side,
            marker=look,
            customdata=getattr(angles, f"{side}_pairs").flatten().numpy(),
            hovertemplate=f"%{{x}} {side} %{{y:.4f}}<br>of pairs %{{customdata:.4f}}"
            f"<br>at random {getattr(angles, f'{side}_null')[0, 0]:.4f}<extra></extra>",
        )
        for side, look in SIDES.items()
    ]
    below = float(angles.antiparallel_null[0, 0])
    lines = [
        go.Scatter(x=names, y=np.full(len(names), at), mode="lines", line=CHANCE, hoverinfo="skip", showlegend=False)
        for at in (below, 1 - below)
    ]
    return canvas(
        angles.about,
        [*bars, *lines],
        "parallel",
        barmode="stack",
        xaxis={"title": "head"},
        yaxis={"title": f"share of Σ abs(a), δ = {angles.delta:.3g}", "range": [0, 1]},
    )


def angle_grids(angles: Angles) -> go.Figure:
    """The attention on each side by layer and head, with a menu of the sides."""
    hover = f"share %{{z:.4f}}<br>at random {float(angles.antiparallel_null[0, 0]):.4f} on either side"
    cells = head_heatmaps(
        [getattr(angles, side) for side in SIDES], [f"attention on {side} keys" for side in SIDES], hover
    )
    return canvas(angles.about, cells, "parallel", **head_axes(), **menu_layout(list(SIDES)))


def angle_histogram_figure(angles: Angles, layer: int = 0, head: int = 0) -> go.Figure:
    """cos θ of one head's pairs, every pair alike and by attention, beside directions at random."""
    edges = angles.edges.numpy()
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    hover = "cos θ %{x:.3f}<br>%{y:.4f}"
    at = (layer, head)
    counted, weighted = (
        go.Bar(
            x=middles,
            y=values[at].numpy(),
            width=widths,
            name=name,
            marker={"color": colour},
            opacity=0.6,
            hovertemplate=f"{hover}<extra>{name}</extra>",
        )
        for values, name, colour in ((angles.pairs, "pairs", GREY), (angles.mass, "attention", BLUE))
    )
    chance = go.Scatter(x=middles, y=angles.pairs_null[at].numpy(), mode="lines", line=CHANCE, name="at random")
    return canvas(
        angles.about,
        [counted, weighted, chance],
        "mass",
        barmode="overlay",
        xaxis={"title": f"cos θ in {head_name(layer, head)}", "range": [-1, 1]},
        yaxis={"title": "share"},
    )


def joint_embedding_figure(embedding: JointEmbedding) -> go.Figure:
    """Queries and keys as points of one plane or space; pointing at one gives token, kind, position and norm."""
    clouds = [
        cloud(kind, getattr(embedding, kind), getattr(embedding, f"{item}_norms"), embedding.labels[item])
        for kind, item in (("queries", "query"), ("keys", "key"))
    ]
    titles = axis_titles(embedding)
    if len(titles) == 3:
        axes: Properties = {
            "scene": {f"{axis}axis": {"title": {"text": title}} for axis, title in zip("xyz", titles, strict=True)}
            | {"camera": {"eye": {"x": 1.5, "y": 1.5, "z": 1.1}}}
        }
    else:
        axes = {"xaxis": {"title": titles[0]}, "yaxis": {"title": titles[1], "scaleanchor": "x"}}
    return canvas(embedding.about, clouds, "queries", legend={"itemsizing": "constant"}, **axes)


def cloud(
    kind: str, points: Float[Tensor, "point dim"], norms: Float[Tensor, "point"], tokens: tuple[str, ...]
) -> go.Scatter | go.Scatter3d:
    """The points of one kind."""
    facts = np.array(
        [[escaped(token), place, norm] for place, (token, norm) in enumerate(zip(tokens, norms.tolist(), strict=True))],
        dtype=object,
    )
    place = dict(zip("xyz", points.numpy().T, strict=False))
    draw = go.Scatter3d if len(place) == 3 else go.Scatter
    return draw(
        **place,
        mode="markers",
        name=kind,
        marker={**KINDS[kind], "size": 4 if len(place) == 3 else 8, "opacity": 0.8},
        customdata=facts,
        hovertemplate="%{customdata[0]}<br>position %{customdata[1]}, norm %{customdata[2]:.3f}"
        f"<extra>{kind}</extra>",
    )


def axis_titles(embedding: JointEmbedding) -> list[str]:
    """Axis by axis, with the part that it explains where that is known."""
    names = [f"{embedding.method} {axis + 1}" for axis in range(embedding.queries.shape[1])]
    if embedding.explained is None:
        return names
    return [f"{name} ({part:.0%})" for name, part in zip(names, embedding.explained.tolist(), strict=True)]


def temperatures_figure(result: Temperatures) -> go.Figure:
    """Layers by tokens, white where nothing is tempered: τ − 1, or what is left of τ beside its positional line."""
    tokens = result.labels["pos"]
    names, maps = [], []
    for field, symbol in TEMPERED.items():
        others = field.endswith("position")
        values = getattr(result, field) - (0 if others else 1)
        name = f"{symbol} beside position" if others else f"{symbol} − 1"
        hover = f"layer %{{y}}, %{{x}}<br>{name} = %{{z:.4f}}"
        maps.append(signed_heatmap(values, hover).update(visible=not maps, name=name, colorbar=bar(name)))
        names.append(name + (f" ({GAUGE})" if field in result.about.gauge_dependent else ""))
    axes = {"xaxis": token_axis(tokens, title="token"), "yaxis": top_down(title="layer", type="category")}
    return canvas(result.about, maps, **axes, **menu_layout(names))
