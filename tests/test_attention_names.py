"""A variant's name stands in its own file and its row of the table: all other code asks the record."""

import re
from pathlib import Path

import pytest

from headscope.models.attention import VARIANTS

ROOT = Path(__file__).parent.parent
BASELINE = "softmax"  # what every variant is compared with
# Where the others may stand, and why.
ALLOWED = {
    "models/attention/table.py": "the rows",
    "models/zoo/__init__.py": "the literal list of what ships",
    "interp/families/trial.py": "the one that families are tried with",
    "app/frame/controls.py": "the literal name of the model that the app opens",
}
# Names that are words or functions besides: they name a variant where they stand in quotes.
COMMON = ("sink", "sigmoid", "relu", "scalable")
# Lines with a paper's own name for a model; U-ViC is the U-ViT of Lv et al. 2024 with Cog attention. And what a head
# does that rests on the first token.
PROSE = {
    "interp/asking/head_jobs.py": ('SELF, SINK, NEGATIVE, DELETION, COPYING = "itself", "sink"',),
    "interp/asking/head_sentences.py": ('SINK: JobWords("rests on the first token',),
    "models/uvit/uvit.py": ("With Cog attention it is the U-ViC", 'AttentionSpec("cog", layers="inner")'),
    "app/views/diffusion.py": ("U-ViC Cog attention",),
}
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text()
    for part in ("models", "interp", "app")
    for path in (ROOT / part).rglob("*.py")
}
BY_NAME = (
    "interp/experiments/",  # which compare them
    "models/checkpoints/converters/",  # layouts of code that computes one of them
)


def mentions(name: str) -> list[str]:
    """Lines with the name as a whole word, a common one in quotes, outside of where it may stand."""
    own = f"models/attention/variants/{name}.py"
    searched = [place for place in SOURCES if place not in (own, *ALLOWED) and not place.startswith(BY_NAME)]
    quote = "[\"']" if name in COMMON else r"\b"
    word = re.compile(f"{quote}{re.escape(name)}{quote}", re.IGNORECASE)
    lines = [(place, line) for place in searched for line in SOURCES[place].splitlines() if word.search(line)]
    return [f"{place}: {line}" for place, line in lines if not any(part in line for part in PROSE.get(place, ()))]


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != BASELINE])
def test_a_variant_is_named_nowhere_but_in_its_own_file(name: str) -> None:
    assert mentions(name) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_has_a_file_of_its_own(name: str) -> None:
    assert f"models/attention/variants/{name}.py" in SOURCES


def test_every_exception_is_needed() -> None:
    assert [place for place, parts in PROSE.items() if not all(part in SOURCES[place] for part in parts)] == []
    assert [place for place in ALLOWED if not re.search(r"\bcog\b", SOURCES[place])] == []
