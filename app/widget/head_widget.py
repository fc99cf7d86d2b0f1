"""Head widget: the heads of a model on one prompt in a notebook's cell, to be browsed and edited, by code as well."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import anywidget
import traitlets

from headscope.app.drawings.drawn_edges import drawn_edges
from headscope.app.drawings.drawn_grid import drawn_grid
from headscope.app.drawings.drawn_head import HeadStyle, common_peak, drawn_head
from headscope.app.drawings.head_answer import ReadHead, answer
from headscope.app.drawings.head_numbers import HEAD_NUMBERS
from headscope.app.drawings.open_head import OpenHead
from headscope.app.drawings.payload import payload
from headscope.app.drawings.shown_place import ShownPlace, origin, place_in_words
from headscope.app.widget.edited_run import EditedRun, edited_run
from headscope.app.widget.saved_page import saved_page, with_words
from headscope.app.widget.widget_module import WIDGET_MODULE
from headscope.interp.asking.head_jobs import pattern_jobs
from headscope.interp.asking.head_sentences import head_labels
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.interventions.in_words import edit_in_words
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.results.all_layers import refuse_absent_head
from headscope.models.io.fields import Fields
from headscope.models.io.whole_file import refuse_unwritable, write_whole


class HeadWidget(anywidget.AnyWidget):
    """Heads of a model on one prompt. What it shows are traits, which code reads and sets: `head`, `row`, `edits`.

    head: (layer, head). row: the query whose weights are listed. edits: records of interventions such as
    {"kind": "zero", "layer": 3, "head": 2}, made in their order; assign a list to run the prompt with it, `undo()`
    goes back and `redo()` forth. untouched: show the run without them all the same. edges: draw the strongest weights
    as lines, too. names: a list a layer, of what each head does beyond chance in the untouched run, or "".
    Raises TraitError in one sentence for what the run does not have; then nothing changes.
    """

    _esm = WIDGET_MODULE
    head = traitlets.Tuple(traitlets.Int(), traitlets.Int()).tag(sync=True)
    row = traitlets.Int().tag(sync=True)
    edits = traitlets.List().tag(sync=True)
    untouched = traitlets.Bool(False).tag(sync=True)
    edges = traitlets.Bool(False).tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)
    _grid = traitlets.Bytes().tag(sync=True)
    _view = traitlets.Bytes().tag(sync=True)
    _edges = traitlets.Dict().tag(sync=True)
    _said = traitlets.Dict().tag(sync=True)

    def __init__(
        self, model: HookedModel, facts: ModelFacts, run: AttentionRun, head: tuple[int, int], edits: Sequence[Fields]
    ) -> None:
        self._model, self._facts, self._untouched = model, facts, EditedRun(run)
        self._edited, self._past, self._future, self._count = self._untouched, [], [], 0
        self.names = head_labels(pattern_jobs(run))
        super().__init__(head=head, row=run.tokens.read_out % len(run.tokens), edits=list(edits), _key=uuid4().hex[:12])
        self._past.clear()
        self._draw()
        self.on_msg(self._hear)

    @property
    def run(self) -> AttentionRun:
        """The attention of the run that is shown."""
        return self._untouched.run if self.untouched else self._edited.run

    @property
    def change(self) -> str:
        """What the edits changed, in one line; empty without edits."""
        return self._edited.change

    def undo(self) -> None:
        """Go back to the list of edits before; nothing where there is none."""
        if self._past:
            *past, last = self._past
            future = [*self._future, self.edits]
            self.edits = last
            self._past, self._future = past, future
            self._say()

    def redo(self) -> None:
        """Make the list of edits again that was undone; nothing where none was."""
        if self._future:
            *future, following = self._future
            self.edits = following
            self._future = future
            self._say()

    def save_html(self, path: str | Path) -> None:
        """Write what is shown as one page that needs no Python: all heads, rows and tokens; weights to 16 bits.

        Raises ValueError where no file can be written, and for prompts of more tokens than a page holds.
        """
        place = Path(path)
        refuse_unwritable(place)
        heads = [OpenHead(layer, head) for layer in self._facts.head_layers for head in range(self.run.n_heads)]
        views = {f"{item.layer},{item.head}": self._drawn(item, is_compact=True) for item in heads}
        titles = {f"{item.layer},{item.head}": self._title(item) for item in heads}
        shown = {"head": list(self.head), "row": self.row, "_key": self._key, "_said": {**self._said, "saved": True}}
        page = saved_page(shown, self._drawn_grid(has_menu=False), views, titles, len(self.run.tokens))
        write_whole(place, with_words(page, place_in_words(self._place())))

    @traitlets.validate("head")
    def _existing_head(self, proposal: Fields) -> tuple[int, int]:
        layer, head = proposal["value"]
        with trait_errors():
            refuse_absent_head(self._facts.head_layers, self._untouched.run.n_heads, layer, head)
        return layer, head

    @traitlets.validate("row")
    def _existing_row(self, proposal: Fields) -> int:
        row, count = proposal["value"], len(self._untouched.run.tokens)
        if not 0 <= row < count:
            raise traitlets.TraitError(f"row {row} was asked for; this prompt has rows 0 to {count - 1}")
        return row

    @traitlets.validate("edits")
    def _possible_edits(self, proposal: Fields) -> list[Fields]:
        with trait_errors():
            edits = [Intervention.from_json(edit) for edit in proposal["value"]]
            self._edited = edited_run(self._model, self._facts, self._untouched, edits)
        return [edit.to_json() for edit in edits]

    @traitlets.observe("edits")
    def _remember(self, change: Fields) -> None:
        self._past.append(change["old"])
        self._future = []
        self._count += 1
        self.untouched = self.untouched and bool(self.edits)
        self._draw()

    @traitlets.observe("head", "untouched", "edges")
    def _follow(self, change: Fields) -> None:
        self._draw()

    def _draw(self) -> None:
        item = OpenHead(*self.head)
        self._grid = self._drawn_grid(has_menu=True)
        self._view = self._drawn(item)
        self._draw_edges({})
        self._say()

    def _drawn_grid(self, *, has_menu: bool) -> bytes:
        number = HEAD_NUMBERS["entropy" if self._facts.non_negative else "negative_mass"]
        layers = self._facts.head_layers
        return drawn_grid(self.run, layers, self._key, number=number, labels=self.names, has_menu=has_menu)

    @traitlets.observe("row")
    def _draw_edges(self, change: Fields) -> None:
        heads, saved = [OpenHead(*self.head)], origin(self._place(), "edges")
        self._edges = drawn_edges(self.run, heads, self.row, saved) if self.edges else {}

    def _place(self) -> ShownPlace:
        layer, head = self.head
        prompt = "".join(self.run.tokens.strings)
        return ShownPlace(str(self._model.cfg.model_name), f"L{layer}H{head}", self.row, prompt)

    def _drawn(self, item: OpenHead, *, is_compact: bool = False) -> bytes:
        peak = common_peak((run, item) for run in (self._untouched.run, self._edited.run))
        look = HeadStyle("square root", False, "attends to", peak=peak)
        has_menu = not (is_compact or self._facts.reads_mixers)
        return drawn_head(self._read(item), look, is_compact=is_compact, has_menu=has_menu)

    def _read(self, item: OpenHead) -> ReadHead:
        is_edited = self.run is not self._untouched.run
        return ReadHead(self.run, self._key, item, self._key, f"after edits, run {self._count}" if is_edited else "")

    def _title(self, item: OpenHead) -> str:
        name = self.names[item.layer][item.head] if self.names else ""
        mechanism = self._facts.layer_mechanisms[item.layer]
        return f"Layer {item.layer}, head {item.head}: {mechanism}{f', {name}' if name else ''}"

    def _say(self, refusal: str = "") -> None:
        self._said = {
            "title": self._title(OpenHead(*self.head)),
            "edits": [edit_in_words(edit) for edit in self._edited.edits],
            "change": self.change,
            "refusal": refusal,
            "can_undo": bool(self._past),
            "can_redo": bool(self._future),
        }

    def _hear(self, widget: object, content: Fields, buffers: object) -> None:
        """What the front end asks: a part of the open head, one edit more, the list before, or none."""
        match content:
            case {"ask": {"part": part}}:
                read = self._read(OpenHead(*self.head))
                header, arrays = answer(read, part)
                own = {"view": self._key, "run": self._key, "name": read.name}
                self.send({"answer": content["ask"]}, [payload({**own, **header}, **arrays)])
            case {"edit": edit}:
                self._make([*self.edits, edit])
            case {"undo": _}:
                self.undo()
            case {"redo": _}:
                self.redo()
            case {"clear": _}:
                self._make([])
            case _:
                raise ValueError(
                    f"a widget answers ask, edit, undo, redo and clear; got {', '.join(content) or 'nothing'}"
                )

    def _make(self, edits: list[Fields]) -> None:
        try:
            self.edits = edits
        except traitlets.TraitError as refusal:
            self._say(f"Nothing was changed: {refusal}.")


@contextmanager
def trait_errors() -> Iterator[None]:
    """Raise TraitError, which undoes an assignment, with the words of a ValueError."""
    try:
        yield
    except ValueError as refusal:
        raise traitlets.TraitError(str(refusal)) from refusal
