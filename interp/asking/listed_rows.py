"""Listed rows: what pages, tables and trajectories take from the table of analyses, as it is when they ask."""

from headscope.interp.asking.applicable import unsuited
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.model_facts import ModelFacts


def telling_numbers() -> tuple[str, ...]:
    """The numbers that say most of a head, as analysis.field or analysis.field.label."""
    places = {f"{row.name}.{number}": place for row in ANALYSES.values() for number, place in row.telling.items()}
    return tuple(sorted(places, key=places.__getitem__))


def followed_numbers(facts: ModelFacts) -> tuple[str, ...]:
    """The numbers that a trajectory of such models follows."""
    rows = [row for row in ANALYSES.values() if not unsuited(row, facts)]
    places = {f"{row.name}.{number}": place for row in rows for number, place in row.followed.items()}
    return tuple(sorted(places, key=places.__getitem__))


def head_analyses(*, runs_heads: bool = False) -> tuple[str, ...]:
    """The analyses with a number of every head that need no choice; runs_heads: those that run the model for each."""
    rows = [row for row in ANALYSES.values() if row.per_head and row.stands_alone]
    return tuple(row.name for row in rows if row.runs_heads == runs_heads)


def first_number(facts: ModelFacts) -> str:
    """analysis.field that pages open with; one of signs only where weights may be negative."""
    rows = [row for row in ANALYSES.values() if row.first]
    candidates = [row for row in rows if not (facts.non_negative and row.first in row.of_signs)]
    return f"{candidates[0].name}.{candidates[0].first}"
