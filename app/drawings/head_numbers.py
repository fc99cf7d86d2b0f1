"""Head numbers: the statistics that a page offers, with their names and what they mean."""

from dataclasses import dataclass

from headscope.interp.heads.attention_run import AttentionRun


@dataclass(frozen=True)
class StatisticField:
    """A field of HeadStatistics (and of RowStatistics where `per_row`), its name, and its meaning in one sentence."""

    field: str
    label: str
    meaning: str
    per_row: bool = True


HEAD_NUMBERS = {
    number.field: number
    for number in (
        StatisticField(
            "negative_mass", "negative mass", "Σ|a|·1[a<0] / Σ|a|: the share of a row's weight that subtracts."
        ),
        StatisticField(
            "minority_mass",
            "minority mass",
            "min(m, 1−m) of the negative mass m: what stays the same when a signed head is mirrored, −a for a.",
            per_row=False,
        ),
        StatisticField("signed_sum", "signed sum", "Σa: 1 for softmax, and less where weights are negative."),
        StatisticField(
            "entropy",
            "entropy",
            "−Σ b ln b in nats, with b = |a| / Σ|a|: low is focused, ln n is uniform. A head's is the mean over the "
            "rows that see two keys or more.",
        ),
        StatisticField(
            "first_token_mass", "first-token mass", "b of the first token: near 1 where a head rests on it."
        ),
    )
}
NOTHING = StatisticField("nothing", "into nothing", "1 − Σa: the share of a row that no token gets.")


def numbers_of_rows(run: AttentionRun, layer: int) -> list[StatisticField]:
    """What every row of a layer's heads has; where rows may keep weight from every token, how much they do, last."""
    numbers = [number for number in HEAD_NUMBERS.values() if number.per_row]
    return numbers + [NOTHING] * (layer in run.leaving_mass)
