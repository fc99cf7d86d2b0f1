"""A modality carries its own words and doors: nothing else asks which one it is, and no sentence is rewritten."""

import re
from pathlib import Path
from typing import Any

import pytest
from test_app_vision import view
from test_asking_vision import found as findings_of
from tiny_models import hooked_tiny
from tiny_vits import tiny_vit

from headscope import save
from headscope.interp.analysis import Row
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.table import ANALYSES
from headscope.models.hosts.modality import MODALITIES
from headscope.models.hosts.words import IMAGE_WORDS, TEXT_WORDS, Sentence, reworded

pytestmark = pytest.mark.usefixtures("no_page_waits")

ROOT = Path(__file__).parents[1]
ASKING = re.compile(r"\.reads (?:==|!=|(?:not )?in\b|is\b)|isinstance\([^)]*ImagePrompt")
OWN = ("models/hosts/modality.py", "interp/reading/prompt.py")
MEANT_AS_PATCHES = re.compile(r"(?<!class )\btokens?\b|\ba image\b|\bprompts?\b")
PAGES = ("attention", "heads", "collapse", "geometry", "compare", "analyses")


def test_no_other_file_asks_what_a_model_reads() -> None:
    files = [file for part in ("app", "interp", "models") for file in (ROOT / part).rglob("*.py")]
    asking = {str(file.relative_to(ROOT)): ASKING.findall(file.read_text()) for file in files}
    assert {name for name, found in asking.items() if found} <= {*OWN}


def test_every_modality_stands_under_its_name() -> None:
    assert [one.reads for one in MODALITIES.values()] == [*MODALITIES]


def test_a_sentence_is_said_with_the_words_of_a_modality() -> None:
    sentence = Sentence("The {last} of {a_prompt}.")
    assert sentence == "The last token of a prompt." and sentence.of(IMAGE_WORDS) == "The class token of an image."
    assert sentence.of(IMAGE_WORDS).of(TEXT_WORDS) == sentence


def test_a_docstring_is_said_in_the_words_of_images() -> None:
    said = reworded("Of a prompt: the first token, a token and Tokens; class token; prompts.", IMAGE_WORDS)
    assert said == "Of an image: the class token, a patch and Patches; class token; images."
    assert reworded(said, TEXT_WORDS) == said


@pytest.mark.parametrize("row", ANALYSES.values(), ids=lambda row: row.name)
def test_every_question_can_be_asked_in_any_words(row: Row) -> None:
    for words in (TEXT_WORDS, IMAGE_WORDS):
        assert not {"{", "}"} & {*row.question(words)}


def test_what_is_said_of_an_image_speaks_of_patches() -> None:
    found: Any = findings_of("cogformer")
    said = {name: (line, *sentences(found[name])) for name, line in found.questions.items()}
    wrong = {name: [line for line in lines if MEANT_AS_PATCHES.search(line)] for name, lines in said.items()}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def test_what_is_said_of_a_text_speaks_of_tokens() -> None:
    found = analyse(hooked_tiny("cog"), "return x", "all")
    assert not any(re.search(r"patch(es)?\b(?!ing)|image|class token", line) for line in found.questions.values())


def sentences(result: Any) -> list[str]:
    about = result.about
    return [about.title, about.unit, about.law, about.null, about.plain]


@pytest.mark.parametrize("name", PAGES)
def test_no_sentence_of_a_page_calls_an_image_a_prompt(name: str, tmp_path: Path) -> None:
    test = view(name, save(tiny_vit("cogformer"), tmp_path / "vit"))
    shown = [one.value for one in (*test.main.caption, *test.main.subheader)]
    shown = [line for line in shown if not line.startswith("The same for every head")]  # which names numbers
    assert [line for line in shown if MEANT_AS_PATCHES.search(line)] == []
