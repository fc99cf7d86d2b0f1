"""The table of the shipped models, for a terminal and for the docs: only what was measured."""

from rich.box import SIMPLE
from rich.table import Table

from headscope.models.fitting.machine import machine_words
from headscope.models.training.shipped import ShippedModel, TrainingSpeed, shipped_models, training_speed

COLUMNS = ("model", "parameters", "tokens seen", "validation loss", "in 16 bits", "tokens/s", "snapshots")
LOSSES = (
    "Losses are nats per token of held-out text: of the float32 weights at the end of training, and of the bfloat16 "
    "weights in the repository."
)


def terminal_table() -> Table:
    """The shipped models as a rich table."""
    table = Table(
        *COLUMNS,
        box=SIMPLE,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        caption=zoo_caption(training_speed()),
        caption_justify="left",
    )
    for row in rows():
        table.add_row(*row)
    return table


def zoo_markdown_table() -> str:
    """The shipped models as GitHub's Markdown shows tables, numbers to the right."""
    rules = ("---", *("---:" for _ in COLUMNS[1:]))
    lines = [" | ".join(cells) for cells in (COLUMNS, rules, *rows())]
    return "\n".join(f"| {line} |" for line in lines) + f"\n\n{zoo_caption(training_speed())}\n"


def rows() -> list[tuple[str, ...]]:
    """One row of words a model; ValueError where no model is shipped."""
    if not shipped_models():
        raise ValueError("the zoo holds no model; `headscope zoo --retrain` trains them all")
    speed = training_speed()
    speeds = speed.tokens_per_second if speed else {}
    return [_row(model, speeds.get(model.name)) for model in shipped_models()]


def zoo_caption(speed: TrainingSpeed | None) -> str:
    """What the columns mean and where they were measured."""
    trained = sorted(
        {
            f"{machine_words(shipped_model.facts.machine)}, {shipped_model.facts.precision}"
            for shipped_model in shipped_models()
        }
    )
    words = f"{LOSSES} Trained on: {'; '.join(trained)}."
    if speed is None:
        return words + " The speed of training was not measured."
    return (
        f"{words} The speed is that of training in {speed.precision} on a {machine_words(speed.machine)}, per "
        f"second of CPU time, all variants taking turns: the median of {speed.rounds} steps of {speed.tokens:,} "
        "tokens each (`benchmarks/training_speed.py`)."
    )


def _row(model: ShippedModel, speed: float | None) -> tuple[str, ...]:
    facts = model.facts
    return (
        model.name,
        f"{facts.parameters:,}",
        f"{facts.tokens:,}",
        f"{facts.validation_loss:.3f}",
        f"{facts.shipped_validation_loss:.3f}",
        "not measured" if speed is None else f"{speed:,.0f}",
        str(model.snapshots),
    )
