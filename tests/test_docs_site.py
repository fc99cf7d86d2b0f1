"""The site that `make docs` builds: tables that the code prints, notebooks as they are stored, no other host asked."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from PIL import Image

from docs.site.analyses_table import SeenAnalysis, cost_in_words
from docs.site.formats_table import formats_markdown
from docs.site.markdown import cell
from docs.site.notebook_page import linked_to_pages, notebook_page
from docs.site.other_hosts import asked_elsewhere, files_that_ask
from docs.site.printed import ASKED, TABLES, printed
from docs.site.variants_table import variants_markdown
from headscope.interp.asking.table import ANALYSES
from headscope.interp.deletion.rows import ROWS as DELETION
from headscope.interp.results.about import About
from headscope.models.attention import VARIANTS
from headscope.models.checkpoints.converters.table import CONVERTERS

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
NAV = re.findall(r"([\w/]+\.md)$", (ROOT / "docs" / "site" / "mkdocs.yml").read_text().split("\nnav:\n")[1], re.M)


def test_every_printed_table_stands_in_one_page() -> None:
    assert sorted(name for text in PAGES.values() for name in ASKED.findall(text)) == sorted(TABLES)


def test_a_page_that_asks_for_no_table_stays_as_it_is() -> None:
    assert printed("# A page\n\n<!-- a comment -->\n") == "# A page\n\n<!-- a comment -->\n"


def test_an_unknown_table_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown table 'clams'; known: .*claims"):
        printed("<!-- printed: clams -->")


def test_every_page_and_every_notebook_is_in_the_navigation() -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in PAGES}
    made = {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    assert {name for name in NAV if not name.startswith("project/")} == pages | made


def test_an_analysis_is_printed_with_all_that_is_known_of_it() -> None:
    about = About("t", "nats", "Σ|a| < 1", "Someone 2026", null="signs dealt anew", by_gauge={"odd": ("share",)})
    page = SeenAnalysis(ANALYSES["activation_patching"], about, 15.2).section
    for words in ("Σ\\|a\\| &lt; 1", "nats", "Someone 2026", "signs dealt anew", "odd: `share`", "15 forward passes"):
        assert words in page
    assert "`Choices(corrupt=…)`" in page and "What it says" not in page


def test_the_words_of_a_row_of_the_table_are_its_question() -> None:
    seen = SeenAnalysis(DELETION[0], About("", "", "", ""), 0.0)
    assert f"| Question | {cell(DELETION[0].summary).rstrip('.')} |" in seen.section


def test_a_cost_is_said_with_two_digits() -> None:
    assert [cost_in_words(cost) for cost in (0.0, 0.62, 5.81, 31.3)] == ["under 0.1", "0.6", "5.8", "31"]


def test_every_variant_is_printed_with_its_paper_and_equation() -> None:
    page = variants_markdown()
    assert all(f"\n## {name}\n" in page and variant.paper in page for name, variant in VARIANTS.items())


def test_every_format_is_printed_with_what_it_asks() -> None:
    page = formats_markdown()
    for converter in CONVERTERS.values():
        [line] = [line for line in page.splitlines() if line.startswith(f"| {converter.kind} |")]
        assert all(f"`{name}" in line for name in converter.facts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_every_cell_and_picture(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    page = notebook_page(path.stem, book)
    assert all(cell.source.rstrip() in page.markdown for cell in book.cells)
    assert len(page.pictures) == sum(
        "image/svg+xml" in one.get("data", {}) for c in book.cells for one in c.get("outputs", [])
    )
    assert all(f"]({name})" in page.markdown for name in page.pictures)
    assert "<style" not in page.markdown


def test_a_link_to_a_notebook_leads_to_its_page_from_any_folder() -> None:
    assert linked_to_pages("[a](../notebooks/a.ipynb) [b](b.md)") == "[a](notebooks/a.md) [b](b.md)"
    assert linked_to_pages("[a](../../notebooks/a.ipynb)") == "[a](../notebooks/a.md)"


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.example/x.js">',
        '<link rel=stylesheet href="//a.example/x.css">',
        "<img loading=lazy src=http://a.example/x.png>",
        '@import "https://a.example/x.css"',
        "p { background: url(https://a.example/x.png) }",
    ],
)
def test_what_a_page_would_fetch_from_another_host_is_seen(text: str) -> None:
    [address] = asked_elsewhere(text)
    assert "//a.example/x" in address


def test_a_link_and_what_is_of_the_site_are_not_fetched_elsewhere(tmp_path: Path) -> None:
    own = '<a href="https://a.example">there</a> <img src="x.png"> <link href="../x.css"> url(data:image/svg+xml,x)'
    (tmp_path / "index.html").write_text(own)
    assert [*files_that_ask(tmp_path)] == []


def test_a_site_that_asks_is_named_with_its_page(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<script src="https://a.example/x.js">')
    assert [*files_that_ask(tmp_path)] == ["page.html fetches https://a.example/x.js"]


def test_the_moving_picture_moves_and_opens_at_once() -> None:
    picture = ROOT / "docs" / "pages" / "headscope.webp"
    with Image.open(picture) as film:
        assert film.n_frames > 10 and picture.stat().st_size < 1_500_000


def test_the_theme_fetches_no_fonts() -> None:
    config = (ROOT / "docs" / "site" / "mkdocs.yml").read_text()
    assert yaml.safe_load(config)["theme"]["font"] is False
