"""The Diffusion page without a browser: its panels, their code, what the address keeps, and what is refused."""

from pathlib import Path

import pytest
from page_words import python_names, slips
from streamlit.testing.v1 import AppTest
from test_app_views import figures, made_by
from tiny_diffusion import LAYERS, tiny_diffusion_folder, untrained_uvit
from tiny_models import tiny_folder

from headscope import save
from headscope.models import zoo
from headscope.models.hosts.spec import AttentionSpec

pytestmark = pytest.mark.usefixtures("no_page_waits")

ROOT = Path(__file__).parents[1]
PANELS = ("images_folder", "patches_folder", "heads_folder", "collapse_folder", "subtracted_folder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_diffusion_folder(tmp_path_factory.mktemp("diffusion") / "tiny")


def tried(tabs: str = "Figure", **query: str | list[str]) -> AppTest:
    """The page, which may have refused something in a box."""
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"sampling_steps": "10", **query}.items():
        test.query_params[field] = value
    for key in PANELS:
        test.session_state[f"tab_{key}"] = tabs
    test.switch_page(str(ROOT / "app" / "views" / "diffusion.py"))
    test.run()
    assert not test.exception, [*test.exception]
    return test


def view(folder: Path, tabs: str = "Figure", **query: str) -> AppTest:
    test = tried(tabs, diffusion="a folder", diffusion_folder=str(folder), **query)
    assert not test.error, [*test.error]
    return test


def test_every_panel_is_there(folder: Path) -> None:
    test = view(folder)
    assert len(figures(test)) == len(PANELS) and slips(test) == []
    assert any("block 2, head 0 (cog)" in title.value for title in test.subheader)


def test_the_code_of_every_panel_makes_its_figure(folder: Path) -> None:
    codes = [code.value for code in view(folder, "Code", timestep="666", query_token="time").code]
    assert len(codes) == len(PANELS)
    for code in codes:
        assert len(made_by(code).to_dict()["data"]) > 0, code


def test_every_panel_has_a_table_and_a_meaning(folder: Path) -> None:
    tables = view(folder, "Table")
    assert len(tables.dataframe) == len(PANELS) and python_names(tables) == []
    words = [one.value for one in view(folder, "Meaning").markdown]
    assert sum("**source**" in text for text in words) == len(PANELS)


def test_a_link_opens_block_head_timestep_and_query(folder: Path) -> None:
    given = {"block": "3", "block_head": "1", "query_token": "patch 0,1", "class": "7", "seed": "4", "timestep": "888"}
    test = view(folder, "Code", **given)
    assert any("block 3, head 1" in title.value for title in test.subheader)
    told = next(code.value for code in test.code if "patch_attention(model" in code.value)
    assert "sampling.path[1, 0], sampling.timesteps[1], 7, 3)" in told and "seed=4, steps=10" in told


def test_the_last_block_of_a_u_vic_is_softmax(folder: Path) -> None:
    test = view(folder, block=str(LAYERS - 1))
    assert any(f"block {LAYERS - 1}, head 0 (softmax)" in title.value for title in test.subheader)


def test_the_shipped_models_stand_side_by_side() -> None:
    test = tried()
    panels = len(PANELS) * len(zoo.diffusion_names())
    assert len(figures(test)) == panels - 1 and not test.error
    (instead,) = [box.value.replace("\\", "") for box in test.info]  # a U-ViT subtracts nothing
    assert "because the weights of softmax attention are never negative." in instead


def test_models_of_unlike_grids_read_the_token_of_one_name(tmp_path: Path) -> None:
    coarse = save(untrained_uvit(AttentionSpec("cog", layers="inner"), layers=3, patch=4).eval(), tmp_path / "coarse")
    both = {"diffusion": ["uvit", "a folder"], "diffusion_folder": str(coarse)}
    test = tried("Code", query_token="patch 1,1", **{"class": "any"}, **both)
    assert not test.error, [*test.error]
    told = [code.value for code in test.code if "patch_attention(model" in code.value]
    assert [line[-6:] for code in told for line in code.splitlines() if "found =" in line] == ["10, 5)"] * 2


def test_a_language_model_is_refused_in_its_place(tmp_path: Path) -> None:
    test = tried(diffusion="a folder", diffusion_folder=str(tiny_folder(tmp_path / "plain", "cog")))
    assert "holds no diffusion model" in test.error[0].value.replace("\\", "")


def test_a_diffusion_model_is_refused_by_the_other_pages(folder: Path) -> None:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"model": "a folder", "folder": str(folder)}.items():
        test.query_params[field] = value
    test.run()
    assert not test.exception and "this is a diffusion model" in test.error[0].value.replace("\\", "")


def test_without_a_model_the_page_asks_for_one() -> None:
    test = tried(diffusion="")
    assert [one.value for one in test.info] == ["Choose a model."] or not test.error
