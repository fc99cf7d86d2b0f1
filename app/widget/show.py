"""Show: the heads of a model on one prompt, in a notebook's cell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headscope.interp.asking.analyse import refuse_unhooked
from headscope.interp.asking.given_prompts import as_read
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.reading.hooked_model import begins_with_bos
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt import Prompt
from headscope.models.io.fields import Fields

if TYPE_CHECKING:
    from headscope.app.widget.head_widget import HeadWidget


def show(
    model: Any,
    prompt: str | Prompt,
    *,
    head: tuple[int, int] | None = None,
    edits: Sequence[Fields] = (),
    prepend_bos: bool | None = None,
) -> "HeadWidget":
    """Every head of a hooked model on a prompt as a widget: a grid of heads, the open head's map, tokens, and edits.

    head: the (layer, head) that is open at first. edits: as the widget's `edits`. prepend_bos: as `analyse` has it.
    Raises TypeError for no hooked model, ValueError for a prompt that it cannot read, ModuleNotFoundError without
    anywidget.
    """
    refuse_unhooked(model, "show")
    widget = widget_class()
    facts = model_facts(model)
    given: Any = [prompt]
    [tokens] = as_read(given, model, facts, begins_with_bos(model, prepend_bos))
    return widget(model, facts, attention_run(model, tokens), head or (facts.middle_layer, 0), edits)


def widget_class() -> "type[HeadWidget]":
    """The widget, whose library only notebooks need. Raises ModuleNotFoundError where it is not installed."""
    try:
        from headscope.app.widget.head_widget import HeadWidget
    except ModuleNotFoundError as missing:
        if missing.name != "anywidget":
            raise
        words = "headscope.show draws with anywidget, which is not installed: pip install anywidget"
        raise ModuleNotFoundError(words, name="anywidget") from missing
    return HeadWidget
