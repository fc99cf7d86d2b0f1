"""Words of the pages: answers from numbers beside their nulls, formulas, and what a word means where it stands."""

import ast
import re
from pathlib import Path

import pytest
import torch
from page_words import OTHER_WORDS

from headscope.app.figure.formula import formula
from headscope.app.figure.glossary import GLOSSARY, help_with
from headscope.interp.asking.head_jobs import NEGATIVE, HeadJob, chance_marks
from headscope.interp.collapse.curves import ABOUT as COLLAPSE
from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.collapse.in_words import collapse_in_words
from headscope.interp.deletion.in_words import deletion_in_words
from headscope.interp.deletion.quadrants import ABOUT as DELETION
from headscope.interp.deletion.quadrants import Quadrants

ROOT = Path(__file__).parents[1]


def curves(*distances: float, null: float = 1.0, spread: float = 0.1) -> CollapseCurves:
    """One depth and one distance, of prompts of 1, 2, 4 …"""
    apart = torch.tensor(distances)[None, None]
    lengths = tuple(2**at for at in range(len(distances)))
    ones = torch.ones_like(apart)
    return CollapseCurves(apart, apart / apart[..., :1], null * ones, spread * ones, lengths, about=COLLAPSE)


@pytest.mark.parametrize(
    ("distances", "answer"),
    [
        ((0.5, 1e-6, 1e-7), "This model collapses: the two prompts cannot be told apart from n = 2 on"),
        ((1.1, 0.9, 0.85), "This model tells the two prompts apart as well as unrelated ones"),
        ((0.5, 0.2, 0.1), "less than unrelated ones (0.1 of it)"),
        ((0.5, 0.2, 0.1), "Longer prompts are harder to tell apart: 0.2 times"),
        ((0.1, 0.1, 0.5), "Longer prompts are easier to tell apart"),
    ],
)
def test_whether_a_model_collapses_is_said_from_its_distance_beside_the_null(
    distances: tuple[float, ...], answer: str
) -> None:
    assert answer in collapse_in_words(curves(*distances))


@pytest.mark.parametrize(
    ("value", "null", "spread", "answer"),
    [
        (
            0.9,
            0.5,
            0.1,
            "L0H0 raises the logits of the tokens that it reads with 90 % of what it does (by chance 50",
        ),
        (0.2, 0.5, 0.1, "L0H0 lowers the logits of the tokens that it reads with 80 % of what it does (by chance 50 %"),
        (0.6, 0.5, 0.1, "with signs dealt anew it would do so, too"),
        (0.6, 0.6, 0.0, "all by its OV circuit"),
        (float("nan"), 0.5, 0.1, "contributes nothing"),
    ],
)
def test_whether_a_head_copies_or_deletes_is_said_beside_chance(
    value: float, null: float, spread: float, answer: str
) -> None:
    number, share = torch.ones(1, 1), torch.tensor([[[0.7, 0.1, 0.1, 0.1]]])
    numbers = [item * number for item in (value, null, spread)]
    result = Quadrants(*numbers, *3 * [share], share[0], number[0], share[0, 0], about=DELETION)
    assert answer in deletion_in_words(result, 0, 0)


def laws() -> list[str]:
    """Every law that stands in interp as one text."""
    entries = (node for path in (ROOT / "interp").rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    words = (node.value for node in entries if isinstance(node, ast.keyword) and node.arg == "law")
    return [item.value for item in words if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def test_every_law_is_mathematics_that_is_whole() -> None:
    assert len(laws()) > 50
    for law in laws():
        text = formula(law)
        parts = text.replace(r"\$", "").split("$")
        assert len(parts) % 2, law
        for tex in parts[1::2]:
            assert tex.strip() and tex.count("{") == tex.count("}") and not re.search(r"[−·ΣΠ‖∂√ᵀ²τσ]|[_^]$", tex), law


def test_a_formula_keeps_its_words_as_text_and_its_signs_as_mathematics() -> None:
    assert formula("m = Σ|A| of rows") == r"$m = \sum \vert A\vert$ of rows"
    assert formula("W_QK of the reader") == r"$W_{QK}$ of the reader"
    assert "$" not in formula("share of questions answered by the key")


def test_a_word_of_the_glossary_is_explained_where_it_stands() -> None:
    assert help_with(["L3H0 and its softmax twin"]) == GLOSSARY["twin"]
    assert help_with(["minority_mass"]) == GLOSSARY["minority mass"]
    assert help_with(["Loss while it was trained", "annulled"]) is None


def test_drawings_say_query_and_key_as_the_pages_do() -> None:
    for path in (path for kind in ("*.js", "*.html") for path in (ROOT / "app").rglob(kind)):
        assert path.name.endswith("_bundle.js") or not OTHER_WORDS.search(path.read_text(encoding="utf-8")), path.name


def test_the_number_of_a_tile_is_marked_by_its_distance_from_chance() -> None:
    value = torch.tensor([[0.9, 0.5, float("nan"), 0.3]])
    null, spread = torch.full((1, 4), 0.4), torch.full((1, 4), 0.1)
    job = HeadJob(NEGATIVE, value, null, spread, torch.ones(1, 4))
    assert chance_marks([job], NEGATIVE, needs_both_signs=True) == ["", "near", "bound", "near"]
    assert chance_marks([job], NEGATIVE, needs_both_signs=False)[2] == ""
    assert chance_marks([], NEGATIVE, needs_both_signs=True) == []
