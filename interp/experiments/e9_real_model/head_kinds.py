"""Head kinds: what every head does on a passage, above chance, and how many heads do so beyond it."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.arms.trial import Numbers
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.standing_out import SPREADS, spreads_away
from headscope.interp.collapse.sinks import Sinks
from headscope.interp.detectors.copying import PromptCopying
from headscope.interp.detectors.scores import DetectorScores
from headscope.interp.experiments.e9_real_model.held_out_text import passage, said_twice
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens

ON_A_PASSAGE = ("previous token",)  # detectors that any text shows; the others are read where a text comes twice
ON_A_REPEAT = ("duplicate token", "induction")
COPYING = ("copying", "suppression")
SINK = "first token"
KINDS = (*ON_A_PASSAGE, *ON_A_REPEAT, *COPYING, SINK)
DIGITS = 4


@dataclass(frozen=True)
class KindOfHead:
    """One number of every head beside its null, and which heads are beyond it."""

    value: Float[Tensor, "layer head"]
    null: Float[Tensor, "layer head"]
    beyond: Bool[Tensor, "layer head"]


def measure_heads(model: HookedModel, seed: int, size: RealModelSize, watch: Watch) -> Numbers:
    """Of each kind: above (value − null) [layer, head], the mean null, and how many heads are beyond it; Sink^ε."""
    prompt = passage(model, seed, size, size.passage)
    kinds = kinds_of(model, prompt, said_twice(model, prompt), watch)
    numbers: Numbers = {"heads": kinds[SINK].value.numel()}
    for name, kind in kinds.items():
        above = (kind.value - kind.null).nan_to_num(0.0).double()
        numbers[name] = [[round(number, DIGITS) for number in row] for row in above.tolist()]
        numbers[f"{name}, chance"] = float(kind.null.nanmean())
        numbers[f"{name}, beyond"] = int(kind.beyond.sum())
    return numbers


def kinds_of(model: HookedModel, prompt: PromptTokens, twice: PromptTokens, watch: Watch) -> dict[str, KindOfHead]:
    """Every kind by its name."""
    seen = analyse(model, [prompt], ["detectors", "prompt_copying", "sinks"], watch=watch)
    again = analyse(model, [twice], ["detectors"], watch=watch)
    copying, sinks = seen.of("prompt_copying", PromptCopying), seen.of("sinks", Sinks)
    result = {name: of_detector(seen.of("detectors", DetectorScores), name) for name in ON_A_PASSAGE}
    result |= {name: of_detector(again.of("detectors", DetectorScores), name) for name in ON_A_REPEAT}
    for name in COPYING:
        result[name] = beyond_spreads(*(getattr(copying, name + ending) for ending in ("", "_null", "_null_spread")))
    result[SINK] = KindOfHead(sinks.share, sinks.share_null, sinks.is_sink == 1)
    return result


def of_detector(scores: DetectorScores, name: str) -> KindOfHead:
    """The share of a detector's cells."""
    at = scores.labels["detector"].index(name)
    return beyond_spreads(scores.share[at], scores.share_null[at], scores.share_null_spread[at])


def beyond_spreads(
    value: Float[Tensor, "layer head"], null: Float[Tensor, "layer head"], spread: Float[Tensor, "layer head"]
) -> KindOfHead:
    """A number with the heads that lie more than three spreads of the null above it."""
    return KindOfHead(value, null, spreads_away(value, null, spread) > SPREADS)
