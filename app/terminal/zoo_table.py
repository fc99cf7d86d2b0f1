"""The tables of the shipped models, for a terminal and for the docs: only what was measured."""

from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Column, Table

from headscope.interp.detectors.targets import TARGETS
from headscope.models import zoo
from headscope.models.fitting.machine import machine_words
from headscope.models.training.shipped import (
    CircuitHead,
    ShippedModel,
    TrainingSpeed,
    shipped_circuits,
    shipped_models,
    training_speed,
)

COLUMNS = ("model", "parameters", "tokens seen", "loss", "16 bits", "tokens/s", "snapshots")
NOT_MEASURED = "not measured"
LOSSES = (
    "Losses are nats per token of held-out text: of the float32 weights at the end of training, and of the bfloat16 "
    "weights in the repository."
)
Rows = list[tuple[str, ...]]


def terminal_tables() -> Group:
    """The shipped models as rich tables: how they were trained, and which circuits they have."""
    return Group(*(terminal_table(*table) for table in tables()))


def terminal_table(columns: tuple[str, ...], rows: Rows, caption: str) -> Table:
    """One of them."""
    names = Column(columns[0], min_width=max(len(row[0]) for row in rows))  # a name that is cut short opens nothing
    table = Table(
        names, *columns[1:], box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), caption=caption, caption_justify="left"
    )
    for row in rows:
        table.add_row(*row)
    return table


def zoo_markdown_tables() -> str:
    """The same as GitHub's Markdown shows tables, numbers to the right."""
    return "\n".join(markdown_table(*table) for table in tables())


def markdown_table(columns: tuple[str, ...], rows: Rows, caption: str) -> str:
    """One of them."""
    rules = ("---", *("---:" for _ in columns[1:]))
    lines = [" | ".join(cells) for cells in (columns, rules, *rows)]
    return "\n".join(f"| {line} |" for line in lines) + f"\n\n{caption}\n"


def tables() -> list[tuple[tuple[str, ...], Rows, str]]:
    """Columns, a row of words a model, and caption of each table; ValueError where no model is shipped."""
    if not shipped_models():
        raise ValueError("the zoo holds no model; `headscope zoo --retrain` trains them all")
    speed, circuits = training_speed(), shipped_circuits()
    speeds = speed.tokens_per_second if speed else {}
    trained = [_row(model, speeds.get(zoo.LONGER.get(model.name, model.name))) for model in shipped_models()]
    result: list[tuple[tuple[str, ...], Rows, str]] = [(COLUMNS, trained, zoo_caption(speed))]
    if circuits:
        heads = [circuits_row(model.name, circuits.get(model.name, {})) for model in shipped_models()]
        result.append((("model", *TARGETS), heads, circuits_caption(circuits)))
    return result


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


def circuits_caption(circuits: Mapping[str, Mapping[str, CircuitHead]]) -> str:
    """What the columns of circuits say."""
    shares = [item.chance for of_model in circuits.values() for item in of_model.values()]
    return (
        "Of each kind of head, the one with the largest share of its weight on the cells of that kind, on random "
        f"tokens that come twice; by chance {min(shares):.3f} to {max(shares):.3f}. None: no head is further from "
        "chance than one model in a hundred is by chance (`benchmarks/zoo_circuits.py`)."
    )


def circuits_row(name: str, circuits: Mapping[str, CircuitHead]) -> tuple[str, ...]:
    """The head of each kind, or that there is none."""
    return (name, *(circuit_in_words(circuits.get(kind)) for kind in TARGETS))


def circuit_in_words(circuit: CircuitHead | None) -> str:
    """L3H1 0.806, or that there is none, with the largest share."""
    if circuit is None:
        return NOT_MEASURED
    return f"{circuit.head} {circuit.share:.3f}" if circuit.is_there else f"none ({circuit.share:.3f})"


def _row(model: ShippedModel, speed: float | None) -> tuple[str, ...]:
    facts = model.facts
    return (
        model.name,
        f"{facts.parameters:,}",
        f"{facts.tokens:,}",
        f"{facts.validation_loss:.3f}",
        f"{facts.shipped_validation_loss:.3f}",
        NOT_MEASURED if speed is None else f"{speed:,.0f}",
        str(model.snapshots),
    )
