"""Figures: what all of them share, in colours, titles, menus, ticks and hover texts."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from jaxtyping import Float
from plotly.colors import hex_to_rgb, sample_colorscale, unlabel_rgb
from result_kinds import result_kinds
from torch import Tensor

from headscope.interp import figures
from headscope.interp.deletion.decision_plane import DecisionPlane
from headscope.interp.figures.decision_plane import SIDES, label_sides
from headscope.interp.figures.drawing.axes import LONGEST_TICK, log_axis, name_axis, token_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import heatmap, signed_heatmap
from headscope.interp.figures.heads import head_grid, head_heatmap
from headscope.interp.figures.palette.colours import DASHES, HOLE, LINES, POSITIVE, SIGNED, depth_colour, line_style
from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.heads.head_pattern import ABOUT as PATTERN
from headscope.interp.heads.head_pattern import HeadPattern
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import Result

ABOUT = About("A <score>", "logits", " ".join(["x < y"] * 30), "headscope", by_gauge={"odd": ("beside",)})
WHITE = "rgb(255, 255, 255)"


@dataclass(frozen=True, repr=False)
class Scored(Result):
    """A score with its null, and one beside it."""

    net_score: Float[Tensor, "kind layer head"]
    net_score_null: Float[Tensor, "kind layer head"]
    net_score_null_spread: Float[Tensor, "kind layer head"]
    least: Float[Tensor, "layer head"]
    beside: Float[Tensor, "layer head"]


SCORED = Scored(
    *(torch.arange(i, i + 12.0).view(2, 2, 3) for i in range(3)), *torch.eye(3)[:2].repeat(2, 1, 1), about=ABOUT
)


def drawn(figure: go.Figure) -> Any:
    """As any browser gets it."""
    return figure.to_plotly_json()["layout"]


def traces(figure: go.Figure) -> Any:
    """What is drawn."""
    return figure.data


def test_zero_is_white_blue_is_positive_and_red_negative() -> None:
    assert sample_colorscale(SIGNED, [0.5]) == [WHITE] and sample_colorscale(POSITIVE, [0.0]) == [WHITE]
    red, blue = (hex_to_rgb(SIGNED[at][1]) for at in (2, -3))
    assert red[0] > red[2] and blue[2] > blue[0]
    assert sample_colorscale(POSITIVE, [1.0]) == sample_colorscale(SIGNED, [1.0])


def test_deeper_is_darker() -> None:
    light = [sum(map(float, depth_colour(depth, 6)[4:-1].split(","))) for depth in range(6)]
    assert light == sorted(light, reverse=True) and len(set(light)) == 6


@pytest.mark.parametrize("depths", range(1, 129))
def test_every_depth_of_any_model_has_a_colour(depths: int) -> None:
    found = [depth_colour(depth, depths) for depth in range(depths)]
    assert len(set(found)) == depths and found[-1] == depth_colour(0, 1)


def test_no_two_lines_in_many_have_one_look() -> None:
    looks = {tuple(line_style(at).values()) for at in range(24)}
    assert len(looks) == 24
    assert {line_style(at)["dash"] for at in range(len(DASHES))} == set(DASHES) and len(LINES) > len(DASHES)


def test_a_value_has_the_same_colour_on_a_scale_from_0_as_on_one_about_0() -> None:
    shares = np.linspace(0, 1, 21)
    one, other = sample_colorscale(POSITIVE, shares), sample_colorscale(SIGNED, (1 + shares) / 2)
    np.testing.assert_allclose([*map(unlabel_rgb, one)], [*map(unlabel_rgb, other)], atol=1)


def test_what_is_never_negative_has_no_red_half() -> None:
    rows = [[0.0, 3.0], [1.0, -3.0], [torch.nan, 2.0], [0.0, 0.0], [torch.nan]]
    maps = [heatmap(torch.tensor([row]), "") for row in rows]
    assert [(one.zmin, one.zmax) for one in maps] == [(0, 3), (-3, 3), (0, 2), (0, 1), (0, 1)]
    assert [len(one.colorscale) for one in maps] == [len(POSITIVE), len(SIGNED), *[len(POSITIVE)] * 3]


def test_attention_is_drawn_about_0_whatever_its_signs() -> None:
    pattern = HeadPattern(torch.eye(2), about=PATTERN, labels={"query": ("a", "b"), "key": ("a", "b")})
    [cells] = traces(pattern.figure())
    assert (cells.zmin, cells.zmax) == (-1, 1) and len(cells.colorscale) == len(SIGNED)


def test_the_range_is_symmetric_and_never_empty() -> None:
    maps = [signed_heatmap(torch.tensor([row]), "") for row in ([0.0, 0.0], [1.0, -3.0], [torch.nan, 2.0])]
    assert [(one.zmin, one.zmax) for one in maps] == [(-1, 1), (-3, 3), (-2, 2)]


def test_the_whole_law_and_the_unit_stand_below_the_title() -> None:
    title = drawn(canvas(ABOUT, []))["title"]
    assert title["text"] == "A &lt;score&gt;"
    said = title["subtitle"]["text"].replace("<br>", " ")
    assert said == escaped(f"{ABOUT.law} · logits") and title["subtitle"]["text"].count("<br>") >= 1


def test_a_pure_number_needs_no_unit() -> None:
    said = drawn(canvas(About("t", "1", "a = b", "headscope"), []))["title"]["subtitle"]["text"]
    assert said == "a = b"


def test_a_field_that_depends_on_the_gauge_says_so() -> None:
    titles = [drawn(canvas(ABOUT, [], field))["title"]["text"] for field in ("least", "beside")]
    assert ["gauge-dependent" in title for title in titles] == [False, True]


def test_a_menu_has_a_row_of_its_own_between_title_and_plot() -> None:
    bare, menu = (drawn(canvas(ABOUT, [], **options)) for options in ({}, menu_layout(["a", "b"])))
    place = menu["updatemenus"][0]
    assert (place["x"], place["xanchor"], place["y"], place["yanchor"]) == (0, "left", 1, "bottom")
    assert menu["margin"]["t"] >= bare["margin"]["t"] + 40
    assert menu["height"] - menu["margin"]["t"] == bare["height"] - bare["margin"]["t"]


def test_a_long_law_moves_the_plot_down() -> None:
    short, long = (drawn(canvas(About("t", "1", law, "headscope"), []))["margin"]["t"] for law in ("a", "a " * 150))
    assert long > short


def test_one_view_needs_no_menu_and_several_are_shown_one_at_a_time() -> None:
    assert menu_layout(["only"]) == {}
    buttons = menu_layout(["a", "b"], per_view=2)["updatemenus"][0]["buttons"]
    assert [one["args"][0]["visible"] for one in buttons] == [[True, True, False, False], [False, False, True, True]]


def test_colours_say_what_they_are() -> None:
    figure: Any = canvas(ABOUT, [signed_heatmap(torch.eye(2), ""), head_heatmap(SCORED, "least")])
    assert [one.colorbar.title.text for one in figure.data] == ["logits", "least"]


def test_a_cell_without_a_number_is_grey() -> None:
    assert drawn(canvas(ABOUT, [signed_heatmap(torch.eye(2), "")]))["plot_bgcolor"] == HOLE
    assert "plot_bgcolor" not in drawn(canvas(ABOUT, [signed_heatmap(torch.eye(2), ""), go.Bar(y=np.ones(2))]))


def test_blank_tokens_are_seen_and_markup_is_text() -> None:
    tokens = (" ", "\n    ", "\t", "\r\n", "<b>", "&", " word", "  a b ", "word")
    shown = ["·", "↵····", "⇥", "␍↵", "&lt;b&gt;", "&amp;", "·word", "··a b·", "word"]
    assert [escaped(one) for one in tokens] == shown


@pytest.mark.parametrize("count", [1, 30, 60, 1000])
def test_ticks_are_few_and_at_their_tokens(count: int) -> None:
    axis = token_axis([f"t{i}" for i in range(count)], most=30)
    assert len(axis["tickvals"]) <= 30 and round(axis["tickvals"][0]) == 0
    assert axis["ticktext"] == [f"{round(at)} t{round(at)}" for at in axis["tickvals"]]


@pytest.mark.parametrize("count", [1, 2, 42, 1024])
def test_pointing_at_a_place_reads_its_whole_name_and_no_tick(count: int) -> None:
    axis = token_axis(["<" * 40] * count)
    assert axis["labelalias"] == {str(i): f"{'&lt;' * 40} at {i}" for i in range(count)}
    nearest = min(abs(at - round(at)) for at in axis["tickvals"])
    assert 1e-4 * max(2, 1.2 * count) < nearest < 0.5  # plotly reads a tick within 1e-4 of the shown range


def test_a_long_token_is_cut_before_it_is_escaped() -> None:
    [text] = token_axis(["<" * 40])["ticktext"]
    assert text == "0 " + "&lt;" * (LONGEST_TICK - 3) + "…"


def test_tokens_stand_steep_below_and_lie_flat_beside() -> None:
    below, beside = name_axis(["a"]), top_down(**name_axis(["a"]))
    assert abs(below["tickangle"]) > 60 and beside["tickangle"] == 0 and below["tickfont"]["size"] == 10


@pytest.mark.parametrize(("low", "high", "known"), [(1.0, 3.5, "2"), (1.0, 100.0, "50"), (1e-6, 1e3, "0.01")])
def test_a_logarithmic_axis_of_any_figure_has_plain_numbers_in_its_picture(low: float, high: float, known: str) -> None:
    axis = {"type": "log"}
    figure = PortableFigure([go.Scatter(x=[low, high], y=[low, high])], {"xaxis": axis, "yaxis": axis})
    words = re.findall(r">([^<>]+)</text>", figure.svg())
    assert known in words and not any("$" in word for word in words)


def test_a_logarithmic_axis_is_labelled_over_all_of_its_values() -> None:
    short, long = (log_axis(np.array(values)) for values in ([3.0, 0.0, 40, np.nan], [1e-6, 1e6]))
    assert short["ticktext"] == ["1", "2", "5", "10", "20", "50", "100", "200", "500"]
    assert long["tickvals"][0] <= 1e-6 and long["tickvals"][-1] >= 1e6 and len(long["tickvals"]) <= 13
    assert log_axis(np.zeros(2), title="n") == {"type": "log", "title": "n"}


@pytest.mark.parametrize("tokens", [64, 256])
def test_a_pattern_carries_no_words_by_cell(tokens: int) -> None:
    names = tuple(f"token {at}" for at in range(tokens))
    figure = HeadPattern(torch.randn(tokens, tokens), about=PATTERN, labels={"query": names, "key": names}).figure()
    assert len(str(figure.to_json())) < 8 * tokens**2 + 200 * tokens + 10_000


def test_a_legend_stands_below_in_room_of_its_own() -> None:
    lines = [go.Scatter(y=[1, 2], name=f"a run with a name {at}") for at in range(9)]
    few, many = (drawn(canvas(ABOUT, lines[:count])) for count in (1, 9))
    place = many["legend"]
    assert (place["orientation"], place["yref"], place["y"], place["yanchor"]) == ("h", "container", 0, "bottom")
    assert many["margin"]["b"] - few["margin"]["b"] == many["height"] - few["height"] >= 60


def test_a_grid_takes_one_index_of_the_axes_before_the_heads() -> None:
    cells: Any = head_heatmap(SCORED, "net_score", 1, name="kind")
    assert (cells.z == SCORED.net_score[1].numpy()).all()
    assert cells.hovertext[0, 2] == "9.0000 ± 10.0000" and "kind net score %{z" in cells.hovertemplate


def test_what_stands_beside_a_score_is_in_its_hover_text() -> None:
    cells = traces(head_grid(SCORED, "least", others=("beside",)))[0]
    np.testing.assert_array_equal(cells.customdata[..., 1], SCORED.beside.numpy())
    assert "<br>beside (gauge-dependent) %{customdata[1]" in cells.hovertemplate
    assert cells.hovertemplate.endswith("<extra></extra>")


def test_a_score_without_a_null_speaks_of_none() -> None:
    cells = traces(HeadScore(torch.eye(2), about=ABOUT).figure())[0]
    assert "null" not in cells.hovertemplate and cells.colorbar.title.text == "A &lt;score&gt;"


def test_the_words_of_a_score_are_those_of_its_title() -> None:
    titled = replace(ABOUT, title="minority mass", by_gauge={"odd": ("value",)})
    figure = HeadScore(torch.eye(2), about=titled).figure()
    words = "minority mass (gauge-dependent)"
    assert traces(figure)[0].colorbar.title.text == drawn(figure)["title"]["text"] == words
    assert f"<br>{words} %{{z" in traces(figure)[0].hovertemplate and "value" not in traces(figure)[0].hovertemplate


def test_a_head_on_the_plane_is_tied_to_its_null_and_the_furthest_are_named() -> None:
    head, null, none = torch.rand(2, 5), torch.rand(2, 5), torch.zeros(2, 5)
    head[1, 2], null[1, 2] = 9.0, 0.0
    head[0, 0] = torch.nan
    plane: Any = DecisionPlane(head, null, none, head, null, none, about=replace(ABOUT, law="d = 1")).figure()
    nulls, heads, ties, names = plane.data
    np.testing.assert_array_equal(ties.x[21:24], np.float32([0.0, 9.0, np.nan]))
    assert nulls.text[7] == heads.text[7] == "L1H2" and (nulls.x[7], heads.x[7]) == (0, 9)
    assert names.text[0] == "L1H2" and len(names.text) == 6 and "L0H0" not in names.text
    assert "below its null" in plane.layout.title.subtitle.text.replace("<br>", " ")


@pytest.mark.parametrize("kind", result_kinds().values())
def test_every_figure_is_where_its_result_says(kind: type[Result]) -> None:
    module, function = kind.drawn_by.split(":")
    code = (Path(figures.__file__).parent / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert f"\ndef {function}(" in code


def test_a_result_without_a_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="a Scored names no figure that draws it"):
        SCORED.figure()


def test_names_of_points_near_each_other_stand_on_different_sides() -> None:
    points = np.array([[0.0, 0.0, 0.0, 0.9], [0.0, 0.01, 0.02, 0.9]])
    found = label_sides(points)
    assert len(set(found[:3])) == 3 and found[3] == SIDES[0]


@pytest.mark.e2e
def test_a_cell_says_both_tokens_in_full_whether_they_are_labelled_or_not(browser: Any) -> None:
    tokens = tuple(f" <a long token {at}>" for at in range(60))
    found = HeadPattern(torch.ones(60, 60), about=PATTERN, labels={"query": tokens, "key": tokens})
    page = browser.new_page()
    page.set_content(f"<body style='margin: 0'>{found.figure().to_html(full_html=False, include_plotlyjs=True)}</body>")
    page.wait_for_selector(".heatmaplayer image")
    labelled = [round(at) for at in drawn(found.figure())["xaxis"]["tickvals"]]
    for query, key in ((labelled[3], labelled[5]), (labelled[3] + 1, labelled[5]), (50, labelled[5] + 1)):
        assert pointed_at(page, query, key).startswith(
            f"·<a long token {query}> at {query} ← ·<a long token {key}> at {key}"
        )
    page.close()


def pointed_at(page: Any, query: int, key: int) -> str:
    """What the box beside a cell says."""
    place = """([query, key]) => {
        const {xaxis, yaxis} = document.querySelector(".js-plotly-plot")._fullLayout;
        return [xaxis._offset + xaxis.d2p(key), yaxis._offset + yaxis.d2p(query)];
    }"""
    page.mouse.move(0, 0)
    page.mouse.move(*page.evaluate(place, [query, key]))
    page.wait_for_selector(".hovertext")
    return str(page.locator(".hovertext").text_content())
