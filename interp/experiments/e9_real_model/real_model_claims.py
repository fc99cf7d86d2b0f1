"""The claims of E9 and the rules by which they are answered."""

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.margin import SHARE, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Verdict, bound_answer, mean_with_spread, pair_with_spread, superiority_answer
from headscope.interp.experiments.e4_temperatures.temperature_claims import NATS
from headscope.interp.experiments.e9_real_model.few_parameters import RATES
from headscope.interp.experiments.e9_real_model.flipped_weights import ANOTHER, ELSEWHERE, LARGEST
from headscope.interp.experiments.e9_real_model.head_kinds import COPYING, KINDS, SINK
from headscope.interp.experiments.e9_real_model.prompt_collapse import QUESTIONS
from headscope.interp.experiments.e9_real_model.real_model_trials import COLLAPSE, FLIPS, HEADS, TRAINING

LOGITS = Margin(0.1, "a tenth of the standard deviation of a head's logits over the vocabulary")
SLOPE = Margin(0.1, "a tenth of −1, the slope of a mean over n tokens of which one differs")
Heads = Float[np.ndarray, "seed ..."]  # by layer and head


def judge(outcome: Outcome) -> list[Verdict]:
    """Heads of each kind, prompts that grow, weights that are flipped, and few parameters that learn."""
    heads, flips = outcome.where(part=HEADS), outcome.where(part=FLIPS)
    collapse = {name: outcome.where(part=COLLAPSE, question=name) for name in QUESTIONS}
    return [
        *(best_head_verdict(heads, kind) for kind in KINDS if kind != SINK),
        sink_verdict(heads),
        *(
            verdict
            for name, part in collapse.items()
            for verdict in (fall_verdict(name, part), null_verdict(name, part))
        ),
        flip_verdict(flips, ANOTHER, "the weight of a random other key", "flips: more than a random weight"),
        flip_verdict(flips, ELSEWHERE, "an equal change at a random other key", "flips: more than an equal change"),
        *training_verdicts(outcome.where(part=TRAINING)),
    ]


def best_of_others(above: Heads) -> Sample:
    """Of each seed the number of the head that is the best on the passages of all other seeds."""
    flat = above.reshape(len(above), -1)
    others = flat.sum(0) - flat if len(flat) > 1 else flat
    return np.take_along_axis(flat, others.argmax(1)[:, None], 1)[:, 0]


def best_head_name(above: Heads) -> str:
    """The head that is the best over all seeds."""
    layer, head = np.unravel_index(above.mean(0).argmax(), above.shape[1:]) if above.ndim == 3 else ("?", "?")
    return f"L{layer}H{head}"


def best_head_verdict(heads: Outcome, kind: str) -> Verdict:
    """A claim that some head does a kind's work beyond chance; which one is chosen on other passages."""
    above = heads.sample(kind)
    sample, margin = best_of_others(above), LOGITS if kind in COPYING else SHARE
    ours = f"{mean_with_spread(sample)} above the {chance_of(heads, kind)} of chance, {best_head_name(above)}"
    answer = bound_answer(sample, above=0.0, margin=margin)
    sentence = f"{kind.capitalize()}: the best head on other passages does it beyond chance"
    return Verdict(sentence, "—", f"{ours}; {beyond_words(heads, kind)}", answer, f"real model: {kind}")


def sink_verdict(heads: Outcome) -> Verdict:
    """A claim that the mean head rests on the first token more than equal weights would."""
    sample = heads.sample(SINK).reshape(heads.seeds, -1).mean(1)
    ours = f"{mean_with_spread(sample)} above the {chance_of(heads, SINK)} of equal weights"
    answer = bound_answer(sample, above=0.0, margin=SHARE)
    sentence = "First token: the mean head rests on it more than equal weights would"
    return Verdict(sentence, "it does", f"{ours}; {beyond_words(heads, SINK)}", answer, "real model: first token")


def chance_of(heads: Outcome, kind: str) -> str:
    """The mean null of a kind."""
    return f"{heads.sample(f'{kind}, chance').mean():.2g}"


def beyond_words(heads: Outcome, kind: str) -> str:
    """How many heads are beyond the null of a passage, of how many."""
    return f"beyond: {heads.sample(f'{kind}, beyond').mean():.0f} of {heads.sample('heads').mean():.0f} heads"


def fall_verdict(name: str, part: Outcome) -> Verdict:
    """A claim that D(n) falls."""
    slope = part.sample("slope")
    answer = bound_answer(slope, below=0.0, margin=SLOPE)
    sentence = f"{name}: D(n) falls as prompts grow, d ln D / d ln n below 0"
    return Verdict(sentence, "it falls", mean_with_spread(slope), answer, f"real model: {name} falls")


def null_verdict(name: str, part: Outcome) -> Verdict:
    """A claim that D(n) falls faster than that of unrelated prompts."""
    slope, null = part.sample("slope"), part.sample("unrelated slope")
    answer = superiority_answer(null, slope, SLOPE)
    ours = pair_with_spread(slope, null)
    sentence = f"{name}: D(n) falls faster than between unrelated prompts"
    return Verdict(sentence, "—", ours, answer, f"real model: {name}, beside the null")


def flip_verdict(flips: Outcome, other: str, words: str, name: str) -> Verdict:
    """A claim that a flip of the largest weights of a head costs more than another edit, over the mean head."""
    ours, null = (flips.sample(edit).reshape(flips.seeds, -1).mean(1) for edit in (LARGEST, other))
    share = (flips.sample(LARGEST) > flips.sample(other)).mean()
    said = f"{mean_with_spread(ours)} nats against {mean_with_spread(null)}; in {share:.0%} of heads"
    sentence = f"A head's largest weights with their signs changed cost more loss than {words}"
    return Verdict(sentence, "—", said, superiority_answer(ours, null), name)


def training_verdicts(outcome: Outcome) -> list[Verdict]:
    """Temperatures alone lower the loss at each rate, and by more than norm gains, both at their better rate."""
    temperatures, gains = (outcome.where(learned=learned) for learned in ("temperatures", "norm gains"))
    pair = better_rate(temperatures), better_rate(gains)
    new, as_many = (np.nanmax(part.sample("trained_parameters")) for part in (temperatures, gains))
    sentence = f"{new:,.0f} temperatures take more off the loss than {as_many:,.0f} gains of norms"
    ours = pair_with_spread(*pair)
    answer = superiority_answer(*pair, NATS)
    return [
        *(rate_verdict(temperatures.where(rate=rate), rate) for rate in RATES),
        Verdict(sentence, "—", ours, answer, "real model: more than norm gains"),
    ]


def better_rate(outcome: Outcome) -> Sample:
    """What was taken off the loss at the rate that takes more off."""
    samples = [part.sample("gained") for _, part in outcome.split("rate")]
    return max(samples, key=lambda sample: float(np.nan_to_num(sample.mean(), nan=-np.inf)))


def rate_verdict(part: Outcome, rate: float) -> Verdict:
    """A claim that temperatures that learn at a rate lower the loss on text held out."""
    after, before = part.sample("loss_after"), part.sample("loss_before")
    ours = f"{mean_with_spread(after, 4)} after {mean_with_spread(before, 4)}"
    ours = f"{ours}; taken off: {mean_with_spread(part.sample('gained'))}"
    sentence = f"Temperatures alone, at a rate of {rate:g}, lower the loss on text held out"
    answer = superiority_answer(before, after, NATS)
    return Verdict(sentence, "they do", ours, answer, f"real model: temperatures, rate {rate:g}")
