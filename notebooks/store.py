"""Store: every notebook run from top to bottom and written back with what its cells show, small and without noise."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parent.parent))
from notebooks.likeness import differences

FOLDER = Path(__file__).parent
SVG = "image/svg+xml"
KEPT = (SVG, "text/html", "text/plain")  # plotly's JSON is ten times the picture, and no page shows it without scripts
MOST_SECONDS = 600
QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TQDM_DISABLE": "1"}  # a bar's seconds are no result
Book = nbformat.NotebookNode


def main() -> None:
    """Run the notebooks that are named, or all; a file whose outputs still say the same is left as it is."""
    os.environ.update(QUIET)
    for path in [Path(one) for one in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        stored = nbformat.read(path, as_version=4)
        fresh = shown(executed(path))
        changes = differences(stored, fresh)
        if changes:
            nbformat.write(fresh, path)
        print(f"{path.name}: {f'written; {changes[0]}' if changes else 'says the same'}")


def executed(path: Path) -> Book:
    """The notebook with all that its cells give out, run in a new kernel in its own folder."""
    book = nbformat.read(path, as_version=4)
    NotebookClient(
        book, timeout=MOST_SECONDS, record_timing=False, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    return book


def shown(book: Book) -> Book:
    """The notebook as it is stored: pictures, tables and words; nothing of the kernel.

    Raises RuntimeError where a cell warns: what is stored has no red lines.
    """
    for cell in code_cells(book):
        warned = [output.text for output in cell.outputs if output.get("name") == "stderr"]
        if warned:
            raise RuntimeError(f"a cell warns: {warned[0]!r}")
        cell.outputs = [lean(output) for output in cell.outputs if "data" not in output or lean(output).data]
        cell.metadata = {}
    book.metadata = {"kernelspec": book.metadata.kernelspec, "language_info": {"name": "python"}}
    return book


def lean(output: Book) -> Book:
    """An output without what a page cannot show, and without a table's or a picture's second form."""
    if "data" in output:
        data = {kind: value for kind, value in output.data.items() if kind in KEPT}
        if SVG in data:
            data.pop("text/html", None)
        output.data, output.metadata = nbformat.from_dict(data), nbformat.from_dict({})
    return output


def code_cells(book: Book) -> Iterator[Book]:
    """The cells that are run."""
    return (cell for cell in book.cells if cell.cell_type == "code")


if __name__ == "__main__":
    main()
