"""The app on vision transformers: every page opens on an image, and what cannot read one says so in a sentence."""

import ast
import io
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from page_words import python_names, slips
from PIL import Image
from streamlit.testing.v1 import AppTest
from tiny_models import tiny_folder
from tiny_vits import LAYERS, TOKENS, tiny_vit

from headscope import load, save
from headscope.app.figure.head_table import number_name_in_words
from headscope.app.serving.image_names import INVERTED, image_named
from headscope.app.serving.kept.pictures import keep_picture, kept_picture
from headscope.app.serving.model_source import modality_in
from headscope.app.terminal import inspection
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.pictures import DIGITS, digit_prompt, is_held_out, picture_prompt
from headscope.interp.results.result import Result
from headscope.models import zoo
from headscope.models.attention import VARIANTS
from headscope.models.data.images.digits import all_digits
from headscope.models.data.images.picture import MOST_PIXELS, decoded_picture, picture
from headscope.models.hosts.modality import IMAGE, TEXT

pytestmark = pytest.mark.usefixtures("no_page_waits")

ROOT = Path(__file__).parents[1]
PAGES = ("attention", "heads", "deletion", "collapse", "geometry", "compare", "analyses")
PAIRED = ("activation_patching", "attribution_patching", "path_patching")
ASKED_FOR = (*PAIRED, "trajectory", "temperatures", "missing_mass")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer with snapshots beside it."""
    place = save(tiny_vit("cogformer"), tmp_path_factory.mktemp("models") / "vit")
    for step in (1, 10):
        save(tiny_vit("cogformer"), place / f"step-{step:06d}")
    return place


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return load(folder)


def view(name: str, folder: Path, **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"model": "a folder", "folder": str(folder), "image": "17", "more": "true", **query}.items():
        test.query_params[field] = value
    if name != "attention":
        test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    test.run()
    assert not test.exception, [*test.exception]
    return test


def told(test: AppTest) -> str:
    return " ".join(one.value for one in test.info)


def png(pixels: Any, mode: str = "L", kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).convert(mode).save(file, kind)
    return file.getvalue()


# Pages


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_on_an_image_for_every_variant(name: str, variant: str, tmp_path: Path) -> None:
    test = view(name, save(tiny_vit(variant), tmp_path / "vit"))
    assert not test.error, [*test.error]
    assert [one.value for one in test.sidebar.header] == ["Image", "Model"]
    assert slips(test) == [] == python_names(test)


@pytest.mark.parametrize("name", ["heads", "deletion", "collapse", "analyses"])
def test_what_cannot_read_an_image_says_so_in_a_sentence(name: str, folder: Path) -> None:
    asked = {"analysis": "deletion"} if name == "analyses" else {}
    assert "left out, because it" in told(view(name, folder, **asked))


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_has_its_figure_or_its_sentence(name: str, folder: Path) -> None:
    test = view("analyses", folder, analysis=number_name_in_words(name))
    if ANALYSES[name].text_only:
        assert ANALYSES[name].text_only in told(test) and not test.error
    elif name not in ASKED_FOR:
        assert len(test.get("plotly_chart")) == 1, [*test.error]


@pytest.mark.parametrize("name", ["heads", "collapse", "geometry", "analyses"])
def test_the_code_of_every_panel_makes_a_figure(name: str, folder: Path) -> None:
    query = {"analysis": "source attribution"} if name == "analyses" else {}
    codes = [one.value for one in view(name, folder, **query).code]
    for code in codes:
        *lines, last = ast.parse(code).body
        assert isinstance(last, ast.Expr)
        names: dict[str, Any] = {}
        exec(compile(ast.Module(lines, []), "panel", "exec"), names)
        made = eval(compile(ast.Expression(last.value), "panel", "eval"), names)
        assert isinstance(made, go.Figure | Result)


def test_the_class_token_is_the_row_that_is_open_at_first(folder: Path) -> None:
    test = view("attention", folder)
    assert "row" not in test.query_params
    assert any("likeliest classes" in one.value for one in test.caption)


def test_an_intervention_changes_the_classes(folder: Path) -> None:
    edits = f'[{{"kind":"set","layer":1,"head":0,"query":0,"key":{TOKENS - 1},"value":3.0}}]'
    test = view("attention", folder, intervene="true", edits=edits)
    assert not test.error, [*test.error]
    assert "another class" in [one.label for one in test.metric]


def test_a_trajectory_runs_over_the_snapshots_of_an_image_model(folder: Path) -> None:
    test = view("compare", folder, compare_tab="Training")
    assert not test.error and len(test.get("plotly_chart")) >= 1


def test_a_language_model_is_not_set_beside_an_image_model(folder: Path, tmp_path: Path) -> None:
    other = tiny_folder(tmp_path / "text", "cog")
    test = view("compare", folder, others="a folder", other_folder=str(other))
    assert "it reads texts, the open model reads images" in test.error[0].value.replace("\\", "")


def test_a_language_model_keeps_its_prompt_box(tmp_path: Path) -> None:
    test = view("heads", tiny_folder(tmp_path / "text", "cog"), prompt="return x")
    assert [one.value for one in test.sidebar.header] == ["Prompt", "Model"]
    assert test.text_area(key="prompt").value == "return x"


# Images by name


@pytest.mark.parametrize("name", ["99999999", "abc", "0123456789abcdef"])
def test_an_image_that_is_not_there_is_refused_in_a_sentence(name: str, model: Any) -> None:
    with pytest.raises(ValueError, match=r"no longer kept here|was asked for"):
        image_named(name, model)


def test_a_number_beyond_the_last_digit_opens_the_last(folder: Path) -> None:
    test = view("attention", folder, image="1800")
    assert test.number_input(key="image_number").value == DIGITS - 1 and not test.error


def test_a_number_that_is_typed_stands_in_the_address(folder: Path) -> None:
    test = view("attention", folder)
    test.number_input(key="image_number").set_value(1234).run()
    assert test.query_params["image"] in ("1234", ["1234"])


def test_a_digit_is_its_own_pixels_with_its_class(model: Any) -> None:
    found, whole = digit_prompt(17, model), all_digits()
    assert torch.equal(found.pixels, whole.images[17]) and found.label == int(whole.labels[17])
    assert sum(is_held_out(number) for number in range(0, DIGITS, 100)) in range(1, 10)


def test_the_reading_of_a_folder_is_that_of_its_family(folder: Path, tmp_path: Path) -> None:
    assert modality_in(folder) is IMAGE
    assert all(modality_in(zoo.folder(name)) in (TEXT, IMAGE) for name in zoo.names())
    (tmp_path / "config.json").write_text("no JSON")
    assert modality_in(tmp_path) is TEXT and modality_in(tmp_path / "nothing") is TEXT


# Pictures


def test_a_picture_of_the_model_s_size_keeps_its_pixels(model: Any) -> None:
    grey = torch.arange(64).view(8, 8) * 4
    found = picture(png(grey), model.original_model.config)
    torch.testing.assert_close(found, grey[None] / 127.5 - 1)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "PNG"), ("L", "JPEG"), ("RGBA", "PNG")])
def test_a_picture_of_another_size_and_mode_is_fitted(mode: str, kind: str, model: Any) -> None:
    found = picture(png(np.full((30, 50), 255), mode, kind), model.original_model.config)
    torch.testing.assert_close(found, torch.ones(1, 8, 8))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a picture", "no PNG or JPEG picture"),
        (png(np.random.default_rng(0).integers(256, size=(64, 64)))[:300], "broken or cut short|no PNG or JPEG"),
        (png(np.zeros((8, 8)), "L", "GIF"), "no PNG or JPEG picture"),
        (b"", "no PNG or JPEG picture"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decoded_picture(content)


def test_a_picture_that_would_fill_the_memory_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_PIXELS == 2**26
    monkeypatch.setattr("headscope.models.data.images.picture.MOST_PIXELS", 100)
    with pytest.raises(ValueError, match="make it smaller"):
        decoded_picture(png(np.zeros((20, 20))))


def test_a_kept_picture_has_the_name_of_its_content_and_is_private(tmp_path: Path, model: Any) -> None:
    name = keep_picture(png(np.full((8, 8), 3)), tmp_path)
    assert kept_picture(name, tmp_path).stat().st_mode & 0o077 == 0
    found = picture_prompt(kept_picture(name, tmp_path), model)
    inverted = picture_prompt(kept_picture(name, tmp_path), model, inverted=True)
    assert torch.equal(found.pixels, -inverted.pixels) and found.label is None
    with pytest.raises(ValueError, match="no longer kept here"):
        kept_picture("../secret", tmp_path)


def test_a_sent_picture_is_an_image_by_its_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Any) -> None:
    monkeypatch.setattr("headscope.app.serving.kept.files.cache_folder", lambda name: tmp_path / name)
    name = keep_picture(png(np.full((8, 8), 255)))
    assert float(image_named(name, model).pixels.min()) == 1
    assert float(image_named(name + INVERTED, model).pixels.max()) == -1


# The command line


def test_inspect_takes_digits_by_number(folder: Path) -> None:
    inspected = inspection.inspection_outcome(
        inspection.Inspection((str(folder),), ("17", "18"), ("sinks", "negative_mass"), False)
    )
    [found] = inspected.findings
    assert len(inspection.table([found])["layer"]) == LAYERS * 4
    assert [one.to_json()["image"].split(",")[0] for one in found.prompts] == ["digit 17", "digit 18"]
