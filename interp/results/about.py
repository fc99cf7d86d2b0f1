"""About: what the numbers of a result are, said once and carried with them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, cast

from headscope.interp.results.gauges import Gauge
from headscope.models.hosts.words import TEXT_WORDS, Words, worded
from headscope.models.io.fields import Fields

Assumption = Literal["non_negative", "rows_sum_to_one", "causal"]


@dataclass(frozen=True)
class About:
    """What a result says of itself, wherever it is shown or stored.

    title: a few words. unit: of its values ("logits", "nats", "share", "1" for a pure number). law: the defining
    formula or the identity it keeps. source: paper and equation, or "headscope" for what has no earlier source.
    assumes: what a pattern must obey; one that does not is refused. null: what the *_null fields are, "" without.
    by_gauge: the fields that each change of gauge changes, which leaves the model's function alone; gauge_labels: of a
    field with labels those that are changed, none where all are. plain: what the numbers say, in a few sentences
    without symbols. words: of what the model reads, in which all of this is said.
    """

    title: str
    unit: str
    law: str
    source: str
    assumes: tuple[Assumption, ...] = ()
    null: str = ""
    by_gauge: Mapping[Gauge, tuple[str, ...]] = field(default_factory=dict[Gauge, tuple[str, ...]])
    gauge_labels: tuple[str, ...] = ()
    plain: str = ""
    words: Words = TEXT_WORDS

    @property
    def gauge_dependent(self) -> tuple[str, ...]:
        """The fields that one gauge or another changes."""
        return tuple(dict.fromkeys(name for fields in self.by_gauge.values() for name in fields))

    def depends_on_gauge(self, field: str, label: str = "") -> bool:
        """Whether a change of gauge changes a field, or the part of it that a label names."""
        is_labelled = not (label and self.gauge_labels) or label in self.gauge_labels
        return field in self.gauge_dependent and is_labelled

    def of_gauges(self, gauges: Collection[Gauge]) -> "About":
        """The same where these gauges are free and no others: fields that none of them changes are not named."""
        return replace(self, by_gauge={gauge: fields for gauge, fields in self.by_gauge.items() if gauge in gauges})

    def said_with(self, words: Words) -> "About":
        """The same in the words of a modality."""
        names = ("title", "unit", "law", "null", "plain")
        return replace(self, words=words, **{name: worded(getattr(self, name), words) for name in names})

    def of_fields(self, new_names: Mapping[str, str]) -> "About":
        """The same for some of the fields alone, under new names."""
        kept = {
            gauge: tuple(new for old, new in new_names.items() if old in fields)
            for gauge, fields in self.by_gauge.items()
        }
        return replace(self, by_gauge={gauge: fields for gauge, fields in kept.items() if fields})

    def to_json(self) -> Fields:
        """As plain values; gauge_dependent and the fields by gauge."""
        plain: Fields = {name: json_like(value) for name, value in asdict(self).items() if name != "words"}
        by_gauge = {gauge: list(fields) for gauge, fields in self.by_gauge.items()}
        return {**plain, "gauge_dependent": list(self.gauge_dependent), "by_gauge": by_gauge}


def json_like(value: object) -> object:
    """A tuple as a list, as JSON has it; anything else as it is."""
    return [*cast(tuple[object, ...], value)] if isinstance(value, tuple) else value
