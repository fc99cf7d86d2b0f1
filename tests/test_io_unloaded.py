"""Libraries that another library imports and nobody here needs: loaded when somebody does."""

import json
import subprocess
import sys

import pytest

from headscope.models.io.unloaded import unloaded

REPORTING = ("wandb", "opentelemetry")  # come along with transformer-lens, and would send things elsewhere
HEAVY = ("datasets", "pandas", "pyarrow", "pytest", "plotly", "streamlit", "sklearn")
RUN = (
    "from headscope import load; model = load('cog'); "
    "from headscope import analyse; analyse(model, 'x y', ['negative_mass']); "
)


def printed(code: str) -> str:
    """What a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """What a fresh Python has loaded after one analysis of a hooked model, and after the app's server and pages."""
    loaded = "json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))"
    app = "import headscope.app.server, headscope.app.main; import headscope.app.serving.service"
    analysis, server = printed(f"import json, sys; {RUN} print({loaded}); {app}; print({loaded})").splitlines()
    return {"analysis": json.loads(analysis), "app": json.loads(server)}


def test_an_analysis_of_a_shipped_model_loads_no_heavy_library(loaded: dict[str, list[str]]) -> None:
    assert {*HEAVY} & {*loaded["analysis"]} == set()


@pytest.mark.parametrize("part", ["analysis", "app"])
def test_what_reports_to_others_is_never_loaded(part: str, loaded: dict[str, list[str]]) -> None:
    assert {*REPORTING} & {*loaded[part]} == set() and "transformer_lens" in loaded[part]


def test_the_library_itself_is_there_afterwards() -> None:
    assert printed(f"{RUN} import datasets, pytest; print(datasets.Dataset.from_dict({{'a': [1]}})[0])") == "{'a': 1}"


def test_transformer_lens_loads_the_library_when_its_function_is_called() -> None:
    call = (
        "from transformer_lens.utilities.hf_utils import load_dataset\n"
        "try: load_dataset('no/such', data_files='absent.json')\n"
        "except Exception as error: print(type(error).__module__.split('.')[0], 'datasets.load' in sys.modules)"
    )
    assert printed(f"import sys; {RUN}\n{call}").endswith(" True")


def test_a_stand_in_makes_the_call_that_it_stands_for() -> None:
    sys.modules.pop("colorsys", None)
    with unloaded({"colorsys": ("rgb_to_hsv",)}):
        from colorsys import rgb_to_hsv
    assert "colorsys" not in sys.modules
    assert rgb_to_hsv(0.0, 0.0, 1.0) == (2 / 3, 1.0, 1.0)
    assert "colorsys" in sys.modules


def test_what_is_loaded_already_stays() -> None:
    with unloaded({"subprocess": ("run",)}, absent=["pytest"]):
        from subprocess import run

        import pytest as again
    assert run is subprocess.run and again is pytest


def test_an_absent_module_is_not_installed_while_it_lasts() -> None:
    sys.modules.pop("colorsys", None)
    with unloaded({}, absent=["colorsys"]), pytest.raises(ModuleNotFoundError):
        import colorsys
    import colorsys

    assert colorsys.rgb_to_hls
