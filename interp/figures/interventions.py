"""Figures of interventions: what changed along the prompt, predictions before and after, grids of touched heads."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Int
from torch import Tensor

from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import GAUGE, bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.heads import head_axes, head_grid, head_heatmap
from headscope.interp.figures.palette.colours import BLUE, BLUES, bar_marker
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.interventions.continuation import Continuation
from headscope.interp.interventions.effect import InterventionEffect
from headscope.interp.interventions.intervention import SIGNED
from headscope.interp.interventions.path_patching import PathPatching
from headscope.interp.interventions.suppression_effect import SuppressionEffect
from headscope.interp.interventions.sweep import InterventionSweep
from headscope.interp.mechanisms.compare import MechanismComparison

OPENING = "zero"  # changes something in every model; without negative weights, keeping the positive ones does not
SWEPT = {"loss_change": "Δ loss", "kl": "KL", "changed": "share of positions that change"}
OF_MECHANISM = {"loss_change": "Δ loss", "kl": "KL", "pattern_change": "Δ weights"}
STAYED, CHANGED = ("KL, likeliest token stays", BLUES[1]), ("KL, another token is likeliest", BLUE)
FIELDS = {
    "loss_change": "Δ loss",
    "target_change": "Δ logit of the target",
    "distractor_change": "Δ logit of the distractor",
}


def intervention_figure(result: InterventionEffect) -> go.Figure:
    """KL by position, dark where the likeliest token is another, with the changes of loss and logits as lines."""
    at = np.arange(len(result.kl))
    before, after = (_likeliest(result, ids) for ids in (result.before_ids, result.after_ids))
    words = np.array([f"{b} → {a}" for b, a in zip(before, after, strict=True)], dtype=object)
    tokens = result.labels.get("position", tuple(map(str, at)))
    changed, kl = result.changed.numpy(), result.kl.numpy()
    bars = [
        go.Bar(
            name=name,
            x=at[of_kind],
            y=kl[of_kind],
            text=words[of_kind],
            textposition="none",
            width=0.8,
            marker=bar_marker(colour),
            hovertemplate="after %{x}<br>KL %{y:.4f}<br>likeliest: %{text}<extra></extra>",
        )
        for name, colour, of_kind in ((*STAYED, ~changed), (*CHANGED, changed))
    ]
    lines = [
        go.Scatter(
            name=name,
            x=at,
            y=values.numpy(),
            mode="lines+markers",
            visible=True if field == "loss_change" else "legendonly",
            hovertemplate=f"{name} %{{y:.4f}}<extra></extra>",
        )
        for field, name in FIELDS.items()
        if (values := getattr(result, field)) is not None
    ]
    axes: Properties = {"xaxis": token_axis(tokens), "yaxis": {"title": "nats, logits"}}
    return canvas(result.about, [*bars, *lines], "kl", barmode="overlay", **axes)


def predictions_figure(result: InterventionEffect, position: int = -1) -> go.Figure:
    """The likeliest next tokens after one position, before and after the interventions; no bar: not among them."""
    before, after = result.before_ids[position], result.after_ids[position]
    ids = list(dict.fromkeys([*before.tolist(), *after.tolist()]))
    places = [
        ("before", bar_marker(STAYED[1]), before, result.before_probability[position]),
        ("after", bar_marker(CHANGED[1], is_striped=True), after, result.after_probability[position]),
    ]
    bars = [
        go.Bar(
            name=name,
            orientation="h",
            x=probability.numpy(),
            y=np.array([ids.index(i) for i in likely.tolist()]),
            marker=look,
            hovertemplate=f"{name} %{{x:.4f}}<extra></extra>",
        )
        for name, look, likely, probability in places
    ]
    ticks = {"tickmode": "array", "tickvals": list(range(len(ids))), "ticktext": [_text(result, i) for i in ids]}
    axes = {"xaxis": {"title": "probability"}, "yaxis": top_down(**ticks)}
    return canvas(result.about, bars, "after_probability", barmode="group", **axes)


def sweep_figure(result: InterventionSweep) -> go.Figure:
    """A menu of measures and kinds, marked where the kind depends on the gauge; pointing at a head gives the null."""
    names, traces = [], []
    kinds = result.labels["kind"]
    first = kinds.index(OPENING) if OPENING in kinds else 0
    for field, words in SWEPT.items():
        for index, kind in enumerate(kinds):
            shown = result if kind in SIGNED else replace(result, about=replace(result.about, by_gauge={}))
            names.append(f"{kind}: {words}{f' ({GAUGE})' if field in shown.about.gauge_dependent else ''}")
            traces.append(head_heatmap(shown, field, index, name=kind, visible=len(traces) == first))
    return canvas(result.about, traces, **head_axes(), **menu_layout(names, first=first))


def path_patching_figure(result: PathPatching) -> go.Figure:
    """Change of the logit difference by head."""
    return head_grid(result, "change")


def suppression_effect_figure(result: SuppressionEffect) -> go.Figure:
    """Share of a head's effect that its suppression part explains, by head."""
    return head_grid(result, "explained", others=("kl_mean",))


def mechanism_figure(result: MechanismComparison) -> go.Figure:
    """A menu of measures of what a mechanism buys, head by head; pointing at a head gives the null."""
    traces = [
        head_heatmap(result, field, visible=at == 0).update(name=words, colorbar=bar(words))
        for at, (field, words) in enumerate(OF_MECHANISM.items())
    ]
    names = [f"without {result.without}: {words}" for words in OF_MECHANISM.values()]
    return canvas(result.about, traces, **head_axes(), **menu_layout(names))


def continuation_figure(result: Continuation) -> go.Figure:
    """How likely each new token was when it was written."""
    probability = result.log_probability.exp().numpy()
    bars = go.Bar(
        x=np.arange(len(probability)),
        y=probability,
        width=0.8,
        marker=bar_marker(CHANGED[1]),
        hovertemplate="new token %{x}<br>probability %{y:.4f}<extra></extra>",
    )
    axes: Properties = {"xaxis": token_axis(result.strings), "yaxis": {"title": "probability", "range": [0, 1]}}
    return canvas(result.about, [bars], "log_probability", **axes)


def _likeliest(result: InterventionEffect, ids: Int[Tensor, "position rank"]) -> list[str]:
    return [_text(result, i) for i in ids[:, 0].tolist()]


def _text(result: InterventionEffect, token_id: int) -> str:
    return escaped((result.strings or {}).get(token_id, str(token_id)))
