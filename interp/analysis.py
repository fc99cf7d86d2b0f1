"""Analysis: a named row of the table that `analyse` and `headscope inspect` read."""

from collections.abc import Callable
from dataclasses import dataclass

from interp.activations import Activations
from interp.head_weights import HeadWeights
from interp.model_facts import ModelFacts
from interp.result import Result


@dataclass(frozen=True)
class Setting:
    """What is known of the model apart from a prompt: its facts and the matrices of its heads."""

    facts: ModelFacts
    weights: HeadWeights


@dataclass(frozen=True)
class Analysis:
    """One analysis of one prompt: a name, one sentence, the hooks it reads, and the function of them.

    needs: transformer-lens names without `blocks.N.`; empty for an analysis of the weights alone, which is computed
    once however many prompts there are. over_tokens: its numbers run over the tokens of one prompt, so that several
    prompts have no mean. applies: which models it has something to say about.
    """

    name: str
    summary: str
    needs: tuple[str, ...]
    compute: Callable[[Setting, Activations], Result]
    over_tokens: bool = False
    applies: Callable[[ModelFacts], bool] = lambda facts: True
