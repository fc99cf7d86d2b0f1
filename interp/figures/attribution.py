"""Figures of attribution: what parts add to a logit, the logit lens, and patching."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from headscope.interp.attribution.direct import DirectAttribution, SourceAttribution
from headscope.interp.attribution.logit_lens import LogitLens
from headscope.interp.attribution.patching import Patching
from headscope.interp.figures.drawing.axes import name_axis, names_along, token_axis, top_down
from headscope.interp.figures.drawing.canvas import FRAME, PLOT, bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import share_range, signed_heatmap
from headscope.interp.figures.drawing.null_marks import marked_bars
from headscope.interp.figures.heads import head_heatmap
from headscope.interp.figures.palette.colours import BLUE, POSITIVE, RED
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.about import About
from headscope.interp.results.head_score import head_name

LEFT, RIGHT = [0.0, 0.46], [0.56, 1.0]
MOST_ROWS, MOST_IN_HALF = 26, 10


def direct_attribution_figure(result: DirectAttribution) -> go.Figure:
    """Bars of components beside the grid of heads."""
    values, names = result.component.numpy(), [escaped(name) for name in result.labels["component"]]
    null = [f"{m:.3f} ± {s:.3f}" for m, s in zip(result.component_null, result.component_null_spread, strict=True)]
    bars = go.Bar(
        x=values,
        y=np.array(names),
        text=np.array(null),
        textposition="none",
        orientation="h",
        marker={"color": np.where(values < 0, RED, BLUE)},
        hovertemplate="%{y}<br>%{x:.4f}<br>null %{text}<extra></extra>",
    )
    marked_bars(bars, values, result.component_null.numpy(), result.component_null_spread.numpy())
    return canvas(
        of_target(result),
        [bars, second(head_heatmap(result, "head"), result.about.unit)],
        xaxis={"title": result.about.unit, "domain": LEFT},
        yaxis=top_down(),
        **grid_axes(),
        showlegend=False,
    )


def of_target(result: DirectAttribution | SourceAttribution) -> About:
    """About with what is attributed in its title."""
    return replace(result.about, title=": ".join([result.about.title, result.of, *result.labels.get("target", ())]))


def source_attribution_figure(result: SourceAttribution) -> go.Figure:
    """Heads by key."""
    layers, heads, keys = result.value.shape
    tokens = names_along(result, "key", keys)
    names = [head_name(layer, head) for layer in range(layers) for head in range(heads)]
    cells = signed_heatmap(result.value.flatten(0, 1), "%{y}<br>from %{x}<br>%{z:.4f}")
    return canvas(
        of_target(result),
        [cells.update(colorbar=bar(result.of))],
        tall=max(PLOT, 6 * len(names)),
        xaxis=token_axis(tokens, title="key"),
        yaxis=top_down(**name_axis(names, MOST_ROWS, title="head")),
    )


def logit_lens_figure(result: LogitLens) -> go.Figure:
    """Probability of each kind of target by depth and position; logit and rank in the hover text."""
    _, positions, targets = result.probability.shape
    tokens = names_along(result, "pos", positions)
    kinds = result.labels.get("target", tuple(f"target {index}" for index in range(targets)))
    traces = [lens_trace(result, index, kind) for index, kind in enumerate(kinds)]
    depths = list(result.labels["depth"])
    return canvas(
        result.about,
        traces,
        xaxis=token_axis(tokens, title="position"),
        yaxis=top_down(**name_axis(depths, MOST_ROWS, title="depth")),
        **menu_layout(kinds),
    )


def lens_trace(result: LogitLens, index: int, kind: str) -> go.Heatmap:
    """One target's heatmap."""
    logits, ranks = result.logit[..., index].tolist(), result.rank[..., index].tolist()
    ids, tops = result.token[:, index].tolist(), result.top.tolist()

    def token_text(token_id: int) -> str:
        return escaped(result.strings.get(token_id, f"token {token_id}"))

    words = np.array(
        [
            [
                f"{token_text(token)}: logit {logit:.3f}, rank {rank}<br>likeliest: {token_text(top)}"
                for token, logit, rank, top in zip(ids, *of_depth, strict=True)
            ]
            for of_depth in zip(logits, ranks, tops, strict=True)
        ]
    )
    return go.Heatmap(
        z=result.probability[..., index].numpy(),
        zmin=0,
        zmax=1,
        colorbar=bar("probability"),
        colorscale=POSITIVE,
        text=words,
        hovertemplate="%{y}, after %{x}<br>%{text}<br>probability %{z:.4f}<extra></extra>",
        visible=index == 0,
        name=kind,
    )


def patching_figure(result: Patching) -> go.Figure:
    """Residual before each layer by position, beside the heads."""
    tokens = result.labels["pos"]
    residual = signed_heatmap(result.resid_pre, "before layer %{y}<br>%{x}<br>%{z:.4f}").update(showscale=False)
    heads = second(head_heatmap(result, "head"), result.about.unit)
    share_range([residual, heads])
    return canvas(
        result.about,
        [residual, heads],
        xaxis=token_axis(tokens, MOST_IN_HALF, title="position", domain=LEFT),
        yaxis=top_down(title="layer", type="category"),
        **grid_axes(),
    )


def second(trace: go.Heatmap, unit: str) -> go.Heatmap:
    """The trace on the axes of the right half."""
    return trace.update(xaxis="x2", yaxis="y2", colorbar=bar(unit))


def grid_axes() -> Properties:
    """The axes of a grid of heads in the right half, where a title of the layers would stand in the left one."""
    x = {"title": "head", "type": "category", "domain": RIGHT, "anchor": "y2", **FRAME}
    return {"xaxis2": x, "yaxis2": top_down(tickprefix="L", type="category", anchor="x2", **FRAME)}
