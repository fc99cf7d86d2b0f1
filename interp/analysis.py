"""Analysis and Probe: the two kinds of named rows in the table that `analyse` and `headscope inspect` read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from headscope.interp.reading.activations import Activations
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.size import Size, nothing_more
from headscope.interp.reading.token_strings import token_string
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.all_layers import joined_layers
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights
from headscope.models.hosts.words import Words, filled
from headscope.models.io.fields import Fields

WITHOUT_DEFAULT = ("corrupt", "run")  # choices that those who read them cannot do without


@dataclass(frozen=True)
class Setting:
    """What is known of the model apart from a prompt: its facts, the matrices of its heads, its tokenizer or None.

    read_weights: the matrices, which are read when the first analysis asks for them. watch: told how far an analysis of
    the weights alone is.
    """

    facts: ModelFacts
    read_weights: Callable[[], HeadWeights]
    tokenizer: PreTrainedTokenizerBase | None = None
    watch: Watch = watch_nothing

    @cached_property
    def weights(self) -> HeadWeights:
        """The matrices of its heads."""
        return self.read_weights()

    def of_layer(self, number: int) -> "Setting":
        """The same with the matrices of one layer that has heads; the facts stay those of the model."""
        return replace(self, read_weights=lambda: self.weights.of_layer(number))

    def answer(self, number: int) -> str:
        """The token, the class, or the number of the answer that a logit stands for."""
        classes, tokenizer = self.facts.classes, self.tokenizer if self.facts.answers is None else None
        return classes[number] if classes else token_string(number, tokenizer)


@dataclass(frozen=True)
class Row:
    """Abstract: what the table of analyses, and all that shows them, knows of an analysis besides how it is computed.

    summary: its question, in one line, with names of Words in braces. over_tokens: its numbers run over the tokens of
    one prompt, so that several prompts have no mean. matrices: the names in weight_laws.LAWS that must hold for it.
    text_only: why it cannot read images, as the end of a sentence; empty where it can. own_logits: whether it asks for
    the logits of the tokens that are read. reads_answer: whether it asks what the model answers to a prompt, which a
    masked language model does at a mask. by_heads_alone: whether it holds only where nothing but heads moves anything
    from token to token, which hybrids' other layers do too. looks_back: whether a token may see those before it alone.
    of_rows: of a probe, whether it asks nothing of heads but their rows, which mixers of hybrids have too.
    cost: beside the pass that all share, in multiply-adds (interp/reading/size.py). version: goes up when its numbers
    change, so that what was kept of it is measured again. reads: the fields of Choices that
    change what it finds. row_laws: which laws of rows of weights (models/attention/row_law.py) it reads, and what it
    makes of each; empty where it reads no weights. unfit: why it has nothing to say of such a model, as the end of a
    sentence, or nothing. per_head: whether it has a number of every head, which tables of
    heads then show. runs_heads: whether it runs the model for every head, which the page Heads does when asked to.
    Of its numbers, each a field or field.label: telling: those that say most of a head, with their places in the order
    of all; followed: those that a trajectory follows, likewise; of_signs: the fields that need weights of both signs;
    first: the one that pages open with.
    """

    name: str
    summary: str
    _: KW_ONLY
    over_tokens: bool = False
    matrices: tuple[str, ...] = ()
    text_only: str = ""
    own_logits: bool = False
    reads_answer: bool = False
    looks_back: bool = False
    of_rows: bool = False
    by_heads_alone: bool = False
    cost: Callable[[Size], int] = nothing_more
    version: int = 1
    reads: tuple[str, ...] = ()
    row_laws: str = ""
    unfit: Callable[[ModelFacts], str] = lambda facts: ""
    per_head: bool = False
    runs_heads: bool = False
    telling: Mapping[str, int] = field(default_factory=dict)
    followed: Mapping[str, int] = field(default_factory=dict)
    of_signs: tuple[str, ...] = ()
    first: str = ""

    def question(self, words: Words) -> str:
        """What it answers of texts or of images, as one line."""
        line = filled(self.summary, words)
        return line[:1].upper() + line[1:].rstrip(".")

    @property
    def stands_alone(self) -> bool:
        """Whether a model and a prompt are enough for it."""
        return not {*WITHOUT_DEFAULT} & {*self.reads}


def result_of_layers(setting: Setting, run: Activations, parts: Sequence[Result]) -> Result:
    """Results of layers one after the other as that of all."""
    return joined_layers(parts)


@dataclass(frozen=True)
class ByLayer:
    """How an analysis is computed whose numbers of a layer come from that layer: of all at once, or of one by one.

    part: what it makes of some layers. whole: the result that the parts of all layers make in their order, of the
    prompt's activations without a number for every query and key.
    Law: the parts of single layers make the result that all layers at once make.
    """

    part: Callable[[Setting, Activations], Any]
    whole: Callable[[Setting, Activations, Sequence[Any]], Result] = result_of_layers

    def __call__(self, setting: Setting, run: Activations) -> Result:
        """The result of all layers at once."""
        return self.whole(setting, run, [self.part(setting, run)])


@dataclass(frozen=True)
class Analysis(Row):
    """One analysis of one prompt: the hooks it reads, and the function of them.

    needs: transformer-lens names without `blocks.N.`; empty for an analysis of the weights alone, which is computed
    once however many prompts there are. compute: ByLayer where no layer's numbers need another layer's patterns, so
    that those of a long prompt are not held together. reads_logits: whether it reads the logits of every position, not
    of the last alone. applies: which models it has something to say about.
    """

    needs: tuple[str, ...]
    compute: Callable[[Setting, Activations], Result] | ByLayer
    _: KW_ONLY
    reads_logits: bool = False
    applies: Callable[[ModelFacts], bool] = lambda facts: True


@dataclass(frozen=True)
class AnalysisRequest:
    """What a probe is given: the hooked model, what is known of it, the prompts, and what some probes need besides.

    analyse: the named analyses of another model on the same prompts. bos: whether prompts of the probe's own begin with
    BOS. pair: a clean and a corrupt prompt, for patching. run: the
    folder of a run's snapshots, for trajectories. choices: what was chosen besides, as plain values. followed: the
    numbers that trajectories follow, as analysis.field or analysis.field.label.
    """

    model: HookedModel
    setting: Setting
    prompts: tuple[Prompt, ...]
    analyse: Callable[[HookedModel, list[str]], Mapping[str, Result]]
    bos: bool = False
    pair: PromptPair | None = None
    run: str | Path | None = None
    choices: Fields = field(default_factory=dict)
    followed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe(Row):
    """One analysis that runs the model itself: patched, edited, on prompts of its own, or snapshot after snapshot.

    together: it takes all prompts at once; else one at a time, and several have a mean unless its numbers run
    over_tokens. missing: what it lacks here, as the end of a sentence, or nothing. hooks: those that it cannot do
    without, where not every model has them.
    """

    compute: Callable[[AnalysisRequest, Watch], Result]
    _: KW_ONLY
    together: bool = False
    missing: Callable[[AnalysisRequest], str] = lambda request: ""
    hooks: tuple[str, ...] = ()
