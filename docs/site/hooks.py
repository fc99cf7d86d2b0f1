"""What mkdocs calls while it builds: pages of other files, tables that code prints, and no host asked but its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.site.claims_page import FOREST, forest_svg
from docs.site.mechanisms_page import PICTURE, mechanisms_svg
from docs.site.notebook_page import linked_to_pages, notebook_page
from docs.site.other_hosts import files_that_ask
from docs.site.printed import printed

ROOT = Path(__file__).parents[2]
ICON = ROOT / "app" / "static" / "icon.png"
PROJECT = {
    "project/architecture.md": "ARCHITECTURE.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/changelog.md": "CHANGELOG.md",
    "project/benchmarks.md": "benchmarks/README.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of docs/, and those of files that stand elsewhere in the repository."""
    for place, text in {**project_pages(), **dict(notebook_files())}.items():
        files.append(File.generated(config, place, content=text))
    files.append(File.generated(config, FOREST, content=forest_svg()))
    files.append(File.generated(config, PICTURE, content=mechanisms_svg()))
    files.append(File.generated(config, ICON.name, abs_src_path=str(ICON)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page with the tables that it asks for in the place of their names, and links to pages of notebooks."""
    return printed(linked_to_pages(markdown))


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that would ask another host for anything."""
    if asking := [*files_that_ask(Path(config.site_dir))]:
        raise PluginError("a page asks another host:\n" + "\n".join(asking))


def project_pages() -> dict[str, str]:
    """Text by the place of its page: of the project's own files, and of its decisions as one page."""
    pages = {place: (ROOT / name).read_text(encoding="utf-8") for place, name in PROJECT.items()}
    return {**pages, "project/decisions.md": decisions_page(sorted((ROOT / "decisions").glob("*.md")))}


def decisions_page(paths: Sequence[Path]) -> str:
    """Every decision as a section with its date, which is how its file's name begins."""
    sections = [f"#{path.read_text(encoding='utf-8').rstrip()}\n\n*{path.name[:10]}*" for path in paths]
    return "\n\n".join(["# Decisions", "Why things are as they are.", *sections]) + "\n"


def notebook_files() -> Iterator[tuple[str, str]]:
    """The pages of the notebooks and their pictures, by place."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = notebook_page(path.stem, nbformat.read(path, as_version=4))
        yield f"notebooks/{path.stem}.md", page.markdown
        yield from ((f"notebooks/{name}", picture) for name, picture in page.pictures.items())
