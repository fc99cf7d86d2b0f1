"""The pages without a browser: links, refusals, examples, and what the components are given."""

import json
import shutil
import struct
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from page_words import python_names, slips
from streamlit.testing.v1 import AppTest
from tiny_models import CORPUS, tiny_folder

from headscope.app.drawings.payload import payload
from headscope.app.drawings.signed_code import signed_code
from headscope.app.frame.open_run import STOPPED
from headscope.app.frame.prompts import EXAMPLES
from headscope.app.serving.kept.texts import MOST_BYTES
from headscope.app.serving.model_source import fingerprint
from headscope.app.serving.refusals import plain_markdown
from headscope.app.serving.runs import RunKey

pytestmark = pytest.mark.usefixtures("no_page_waits")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")


def page(folder: Path | str, prompt: str = CORPUS[0], **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    for name, value in {"model": "a folder", "folder": str(folder), "prompt": prompt, **query}.items():
        test.query_params[name] = value
    return test.run()


def opened(test: AppTest) -> str:
    assert not test.exception and not test.error, [*test.exception, *test.error]
    return next(title.value for title in test.subheader if title.value.startswith("Layer"))


def refusal(test: AppTest) -> str:
    assert not test.exception
    assert len(test.error) == 1
    return test.error[0].value.replace("\\", "")


def bytes_of(test: AppTest, name: str) -> bytes:
    """The bytes that a component was given."""
    protos = [element.proto for element in test.get("bidi_component")]
    return next(proto.bytes for proto in protos if proto.component_name == name)


def header(test: AppTest, name: str) -> dict:
    """The JSON header of the bytes that a component was given."""
    data = bytes_of(test, name)
    return json.loads(data[4 : 4 + struct.unpack("<I", data[:4])[0]])


@pytest.mark.parametrize("variant", ["softmax", "expressive", "selective", "polynomial"])
def test_the_page_shows_a_model_of_every_variant(tmp_path: Path, variant: str) -> None:
    test = page(tiny_folder(tmp_path / variant, variant), edges_open="true", pattern_open="true", intervene="true")
    assert opened(test) == f"Layer 1, head 0: {variant}"
    assert slips(test) == [] == python_names(test)


def test_a_link_opens_its_head(folder: Path) -> None:
    assert opened(page(folder, layer="2", head="1")) == "Layer 2, head 1: softmax"


def test_without_a_head_the_middle_layer_of_the_variant_opens(folder: Path) -> None:
    assert opened(page(folder)) == "Layer 1, head 0: cog"


@pytest.mark.parametrize(
    ("layer", "head", "expected"),
    [
        ("99", "99", "Layer 2, head 1"),
        ("-1", "-1", "Layer 1, head 0"),
        ("²", "<script>", "Layer 1, head 0"),
        ("1e9", "9" * 50, "Layer 1, head 0"),
    ],
)
def test_a_link_to_no_head_opens_one_that_exists(folder: Path, layer: str, head: str, expected: str) -> None:
    assert opened(page(folder, layer=layer, head=head)).startswith(expected)


def test_the_link_of_a_first_visit_is_whole(folder: Path) -> None:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    assert {"model", "prompt"} <= set(test.query_params)


def test_an_unknown_model_in_a_link_is_refused_with_the_shipped_ones(folder: Path) -> None:
    assert "the link names no model that is shipped; choose one: softmax, cog" in refusal(page(folder, model="nope"))


@pytest.mark.parametrize(
    ("path", "complaint"),
    [("/nowhere/at/all", "there is no folder or file '/nowhere/at/all'"), ("//server/share", "is a network path")],
)
def test_a_folder_that_cannot_be_opened_is_refused(path: str, complaint: str) -> None:
    assert complaint in refusal(page(path))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "config.json" in refusal(page(tmp_path))


def test_broken_weights_are_refused(tmp_path: Path, folder: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be opened" in refusal(page(broken))


def test_no_folder_yet_is_an_invitation() -> None:
    test = page("")
    assert not test.error and "path of a model folder" in test.info[0].value


def test_a_prompt_beyond_the_context_is_refused(folder: Path) -> None:
    assert "this model reads at most 64" in refusal(page(folder, "return x\n" * 40))


@pytest.mark.parametrize(("end", "is_end"), [("first", str.startswith), ("last", str.endswith)])
def test_the_ends_of_a_prompt_beyond_the_context_are_offered(
    end: str, is_end: Callable[..., bool], folder: Path
) -> None:
    text = CORPUS[0] * 5
    test = page(folder, text, bos="true")
    next(button for button in test.button if button.label == f"Keep the {end} 64 tokens").click().run()
    assert opened(test) and is_end(text, test.text_area(key="prompt").value)
    assert len(header(test, "headscope_head_view")["tokens"]) == 64


def test_a_long_paste_is_taken_whole_and_the_link_names_it(folder: Path) -> None:
    text = "return x\n" * 10_000
    test = page(folder)
    test.text_area(key="prompt").set_value(text).run()
    assert "this model reads at most 64" in refusal(test) and test.text_area(key="prompt").value == ""
    assert any("A long text of 90,000 characters" in words.value for words in test.caption)
    assert len("".join(test.query_params["text"])) == 16
    again = page(folder, text="".join(test.query_params["text"]))
    assert "this model reads at most 64" in refusal(again)
    next(button for button in again.button if button.label == "Keep the last 64 tokens").click().run()
    assert opened(again) and "text" not in again.query_params
    assert text.endswith(again.text_area(key="prompt").value or "none")


def test_what_is_longer_than_any_text_that_is_read_is_cut_and_said(folder: Path) -> None:
    test = page(folder)
    test.text_area(key="prompt").set_value("é" * (MOST_BYTES + 2)).run()
    said = f"{MOST_BYTES + 2:,} characters came; the first {MOST_BYTES // 2:,} are taken"
    assert any(said in words.value for words in test.caption)
    test.text_area(key="prompt").set_value("return x").run()
    assert opened(test) and not any("characters came" in words.value for words in test.caption)


def test_a_run_that_was_stopped_waits_until_it_is_asked_for(folder: Path) -> None:
    test = page(folder)
    key = RunKey(str(folder), fingerprint(folder), "return y", test.session_state["choice"].bos)
    test.session_state[STOPPED] = key.name
    test.text_area(key="prompt").set_value("return y").run()
    assert "was not run to its end" in test.info[0].value and not test.subheader
    next(button for button in test.button if button.label == "Run it").click().run()
    assert opened(test)


def test_a_link_to_a_text_that_is_gone_says_so(folder: Path) -> None:
    assert "no longer kept here" in page(folder, text="0" * 16).warning[0].value


def test_an_empty_prompt_is_refused(folder: Path) -> None:
    assert "the prompt is empty" in refusal(page(folder, "").text_area(key="prompt").set_value("").run())


def test_a_model_without_a_tokenizer_reads_ids(tmp_path: Path) -> None:
    bare = tiny_folder(tmp_path / "bare", "cog", with_tokenizer=False)
    assert "token ids such as" in refusal(page(bare))
    assert header(page(bare, "1 2 3"), "headscope_head_view")["tokens"] == ["1", "2", "3"]


def test_an_example_goes_into_the_prompt(folder: Path) -> None:
    test = page(folder)
    next(button for button in test.button if button.label == EXAMPLES[1].title).click().run()
    assert test.text_area(key="prompt").value == EXAMPLES[1].text


def test_bos_puts_one_token_before_the_prompt(folder: Path) -> None:
    test = page(folder)
    plain = header(test, "headscope_head_view")["tokens"]
    test.toggle(key="bos").set_value(True).run()
    assert header(test, "headscope_head_view")["tokens"] == ["<|endoftext|>", *plain]


def test_heads_are_sorted_by_the_chosen_number(folder: Path) -> None:
    given = header(page(folder, number="entropy", sorted="true"), "headscope_head_grid")
    in_order = [given["values"][index] for index in given["order"]]
    assert in_order == sorted(given["values"], reverse=True)


@pytest.mark.parametrize(("variant", "number"), [("softmax", "entropy"), ("cog", "negative_mass")])
def test_the_first_number_says_something_of_the_variant(variant: str, number: str, tmp_path: Path) -> None:
    test = page(tiny_folder(tmp_path / variant, variant))
    assert test.selectbox(key="number").value == number


def test_one_range_for_all_heads_is_the_largest(folder: Path) -> None:
    own = header(page(folder), "headscope_head_grid")["ranges"]
    shared = header(page(folder, shared="true"), "headscope_head_grid")["ranges"]
    assert shared == [max(own)] * len(own)


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_a_code_keeps_sign_and_value(dtype: type[np.signedinteger]) -> None:
    weights = np.linspace(-2, 2, 101, dtype=np.float32)
    top = np.iinfo(dtype).max
    code = signed_code(weights, np.ones(101, bool), 2.0, dtype).astype(float) / top
    assert np.array_equal(np.sign(code), np.sign(weights))
    np.testing.assert_allclose(np.sign(code) * code**2 * 2, weights, atol=2.1 / top)


def test_a_masked_cell_has_a_code_of_its_own() -> None:
    code = signed_code(np.zeros((2, 2), np.float32), np.array([[True, False], [True, True]]), 0.0, np.int8)
    assert code.tolist() == [[0, -128], [0, 0]]


def test_a_payload_says_where_its_arrays_are() -> None:
    arrays = {"a": np.arange(5, dtype=np.int8), "b": np.array([[1.5, 2.5]], np.float32)}
    data = payload({"name": "é"}, **arrays)
    length = struct.unpack("<I", data[:4])[0]
    said = json.loads(data[4 : 4 + length])
    assert said["name"] == "é" and (4 + length) % 8 == 0
    for entry in said["arrays"]:
        read = np.frombuffer(data, entry["type"], np.prod(entry["shape"]), 4 + length + entry["offset"])
        assert np.array_equal(read.reshape(entry["shape"]), arrays[entry["name"]])


def test_text_in_a_box_is_no_markup() -> None:
    assert plain_markdown("<b>*x*</b> :red[y] $z$\nend") == r"\<b\>\*x\*\<\/b\> \:red\[y\] \$z\$ end"


def test_the_server_stays_at_home() -> None:
    config = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "127.0.0.1"
    assert config["browser"]["gatherUsageStats"] is False
    assert set(config["server"]["allowedHosts"]) == {"localhost", "127.0.0.1"}
