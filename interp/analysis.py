"""Analysis and Probe: the two kinds of named rows in the table that `analyse` and `headscope inspect` read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headscope.interp.reading.activations import Activations
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.size import Size, nothing_more
from headscope.interp.reading.token_strings import token_string
from headscope.interp.reading.watch import Watch, unwatched
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights


@dataclass(frozen=True)
class Setting:
    """What is known of the model apart from a prompt: its facts, the matrices of its heads, its tokenizer or None.

    watch: told how far an analysis of the weights alone is.
    """

    facts: ModelFacts
    weights: HeadWeights
    tokenizer: Any = None
    watch: Watch = unwatched

    def answer(self, number: int) -> str:
        """The token, or the class, that a logit stands for."""
        classes = self.facts.classes
        return classes[number] if classes else token_string(number, self.tokenizer)


@dataclass(frozen=True)
class Analysis:
    """One analysis of one prompt: a name, one sentence, the hooks it reads, and the function of them.

    needs: transformer-lens names without `blocks.N.`; empty for an analysis of the weights alone, which is computed
    once however many prompts there are. over_tokens: its numbers run over the tokens of one prompt, so that several
    prompts have no mean. matrices: the names in weight_laws.LAWS that must hold for it. applies: which models
    it has something to say about. text_only: why it cannot read images, as the end of a sentence; empty where it can.
    cost: beside the pass that all share, in multiply-adds (interp/reading/size.py).
    """

    name: str
    summary: str
    needs: tuple[str, ...]
    compute: Callable[[Setting, Activations], Result]
    over_tokens: bool = False
    matrices: tuple[str, ...] = ()
    applies: Callable[[ModelFacts], bool] = lambda facts: True
    text_only: str = ""
    cost: Callable[[Size], int] = nothing_more


@dataclass(frozen=True)
class Asked:
    """What a probe is given: the hooked model, what is known of it, the prompts, and what some probes need besides.

    analyse: the named analyses of another model on the same prompts. bos: whether prompts of the probe's own begin with
    BOS. pair: a clean and a corrupt prompt, for patching. run: the
    folder of a run's snapshots, for trajectories. choices: what was chosen besides, as plain values.
    """

    model: Any
    setting: Setting
    prompts: tuple[Prompt, ...]
    analyse: Callable[[Any, list[str]], Mapping[str, Result]]
    bos: bool = False
    pair: PromptPair | None = None
    run: str | Path | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Probe:
    """One analysis that runs the model itself: patched, edited, on prompts of its own, or snapshot after snapshot.

    together: it takes all prompts at once; else one at a time, and several have a mean unless its numbers run
    over_tokens. missing: what it lacks here, as the end of a sentence, or nothing. matrices, text_only, cost: as of an
    analysis.
    """

    name: str
    summary: str
    compute: Callable[[Asked, Watch], Result]
    over_tokens: bool = False
    together: bool = False
    matrices: tuple[str, ...] = ()
    missing: Callable[[Asked], str] = lambda asked: ""
    text_only: str = ""
    cost: Callable[[Size], int] = nothing_more
