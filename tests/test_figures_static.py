"""Static figures: the SVG that a figure carries shows its data, its words as they are, and is the same every time."""

import json
import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from pictures_of_figures import cells_in, words_in

from headscope.interp.figures.drawing.axes import name_axis, token_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import PLOTLY, SVG

ABOUT = About("A score", "nats", "x = $y_1^2$", "headscope")
HOSTILE = ("<script>", "$x$", "a_b^c", "&amp;", " two ", "\x00\x1b", "\ud800", "日本", "\\frac", "'\"", "]]>", "😀")


def hostile_figure() -> PortableFigure:
    cells = signed_heatmap(torch.eye(len(HOSTILE)).numpy(), "%{z}")
    rows = top_down(**token_axis(HOSTILE, len(HOSTILE)))
    return canvas(ABOUT, [cells], xaxis=name_axis(HOSTILE, len(HOSTILE)), yaxis=rows)


def test_tokens_are_words_and_nothing_else() -> None:
    svg = hostile_figure().svg()
    words = words_in(svg)
    for at, token in enumerate(HOSTILE[:5]):
        shown = escaped(token).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert (words.count(shown), words.count(f"{at} {shown}")) == (1, 1), token  # of names; of tokens, with places
    assert {"日本", "\\frac", "😀", "]]>", "\ufffd"} <= set(words) and "x = $y_1^2$ · nats" in words
    assert {one.tag.rpartition("}")[2] for one in ElementTree.fromstring(svg).iter()}.isdisjoint({"script", "a"})


def test_letters_that_no_font_here_has_give_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    hostile_figure().svg()
    assert [str(one.message) for one in recwarn] == []


def test_the_same_figure_is_the_same_text_every_time() -> None:
    assert hostile_figure().svg() == hostile_figure().svg()
    assert not re.search(r"\d{4}-\d\d-\d\dT|dc:date|matplotlib v", hostile_figure().svg())


def test_negative_cells_are_red_positive_ones_blue_and_zero_is_white_from_top_to_bottom() -> None:
    z = np.array([[-1.0, 0.0, 1.0], [np.nan, 1.0, -1.0]])
    [drawn] = cells_in(canvas(ABOUT, [signed_heatmap(z, "")], yaxis=top_down()).svg())
    red, blue, white, empty = (103, 0, 31, 255), (5, 48, 97, 255), (255, 255, 255, 255), (0, 0, 0, 0)
    assert [[tuple(cell) for cell in row] for row in drawn.tolist()] == [[red, white, blue], [empty, blue, red]]


def test_rows_that_count_upwards_stay_so() -> None:
    [drawn] = cells_in(canvas(ABOUT, [signed_heatmap(np.array([[1.0], [-1.0]]), "")]).svg())
    assert drawn[0, 0, 0] > drawn[1, 0, 0]  # the last row, which is red, is drawn at the top


def test_what_is_shown_is_the_chosen_view_and_says_so() -> None:
    views = [signed_heatmap(np.ones((1, 1)), "").update(visible=at == 1) for at in range(3)]
    svg = canvas(ABOUT, views, **menu_layout(("first", "second", "third"), first=1)).svg()
    assert "second (one of 3 views)" in words_in(svg) and len(cells_in(svg)) == 1


def test_many_points_are_pixels_so_that_the_file_stays_small() -> None:
    many = np.random.default_rng(0).normal(size=(2, 20_000))
    svg = canvas(ABOUT, [go.Scatter(x=many[0], y=many[1], mode="markers")]).svg()
    assert len(svg) < 120_000 and "<image" in svg


def test_a_large_heatmap_stays_small() -> None:
    assert len(canvas(ABOUT, [signed_heatmap(np.tri(256), "")]).svg()) < 60_000


def test_a_trace_that_cannot_be_drawn_is_said_and_nothing_else_is_drawn() -> None:
    svg = PortableFigure([go.Pie(values=[1, 2]), go.Bar(y=[1])]).svg()
    assert words_in(svg) == ["No static picture: it has traces of the type pie."]


def test_a_figure_of_plotly_express_becomes_portable() -> None:
    px = pytest.importorskip("plotly.express")
    figure = PortableFigure(px.bar(x=["a", "b"], y=[1, 2], labels={"x": "letter"}, title="Two"))
    assert {"Two", "letter", "a", "b"} <= set(words_in(figure.svg()))
    signed = px.imshow([[-1.0, 0.0, 2.0]], color_continuous_scale=["red", "white", "blue"], color_continuous_midpoint=0)
    [cells] = cells_in(PortableFigure(signed).svg())
    assert [tuple(cell[:3]) for cell in cells[0].tolist()] == [(255, 127, 127), (255, 255, 255), (0, 0, 255)]


def test_a_figure_from_json_is_the_same_picture() -> None:
    figure = hostile_figure()
    assert PortableFigure(json.loads(str(figure.to_json()))).svg() == figure.svg()


def test_a_notebook_gets_plotly_and_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.io.renderers.default", "plotly_mimetype+notebook_connected")
    bundle = HeadScore(torch.eye(2), about=ABOUT).figure()._repr_mimebundle_()
    assert set(bundle) == {PLOTLY, SVG, "text/plain"} and bundle["text/plain"] == "Figure(A score)"


def test_a_figure_stays_portable_when_it_is_changed_or_copied() -> None:
    figure: Any = hostile_figure()
    assert isinstance(figure.update_layout(height=600), PortableFigure)
    assert isinstance(PortableFigure(figure), go.Figure)


def test_drawing_leaves_matplotlib_s_own_state_alone() -> None:
    program = (
        "import matplotlib, sys\n"
        "before = list(dict.items(matplotlib.rcParams))\n"  # without asking for a backend, which opens pyplot
        "import torch\n"
        "from headscope.interp.results.about import About\n"
        "from headscope.interp.results.head_score import HeadScore\n"
        "HeadScore(torch.eye(2), about=About('A', '1', 'x', 'y')).figure().svg()\n"
        "assert list(dict.items(matplotlib.rcParams)) == before and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
