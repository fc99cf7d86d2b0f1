"""What each attention buys, as a page has it: a line each from the shipped results of E8, and their figure."""

from docs.site.markdown import table
from headscope.interp.arms.arms import arms
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Verdict, answer_in_words, mean_with_spread
from headscope.interp.experiments.engine.publishing import shipped

PICTURE = "what_each_buys.svg"  # beside the page, where a hook puts it
HEADS = ("variant", "loss:", "step time:", "KiB kept:", "induction:", "first token:", "no token:", "tokens", "CPU time")
MEANINGS = (
    "Means ± standard deviations over seeds, the lowest loss first. *Loss*: nats per token on held-out text. *Step "
    "time*: CPU time of a training step over that of softmax's, in turn. *KiB kept*: for the backward pass, per token. "
    "*Induction*: of the strongest head. *First token*, *no token*: mean shares of a row. *Tokens*, *CPU time*: "
    "whether the loss is at most .05 above softmax's after equally many tokens, and after equal CPU time."
)


def mechanisms_markdown() -> str:
    """The picture, what the columns are, and the table."""
    e8 = shipped("E8")
    by_arm = arms(e8.outcome, "variant")
    names = sorted(by_arm, key=lambda name: float(by_arm[name].sample("validation_loss").mean()))
    rows = [(name, *number_cells(by_arm[name]), *answer_cells(name, e8.verdicts)) for name in names]
    picture = f"![Each variant's loss below softmax's over the time of its step]({PICTURE})"
    return "\n\n".join([picture, MEANINGS, table(HEADS, rows)])


def number_cells(arm: Outcome) -> list[str]:
    """The measured numbers of a variant."""
    kept = arm.sample("bytes_per_token").mean() / 1024
    shares = [f"{arm.sample(name).mean():.3f}" for name in ("induction", "sink", "nothing")]
    loss, time = (mean_with_spread(arm.sample(name), 3) for name in ("validation_loss", "time_over_softmax"))
    return [loss, time, f"{kept:.1f}", *shares]


def answer_cells(variant: str, verdicts: list[Verdict]) -> list[str]:
    """The answers to its two claims; softmax has none."""
    own = [verdict.answer for verdict in verdicts if verdict.name.startswith(f"{variant} ")]
    return [answer_in_words(answer) for answer in own] or ["", ""]


def mechanisms_svg() -> str:
    """The picture."""
    return shipped("E8").results["buys"].figure().svg()
