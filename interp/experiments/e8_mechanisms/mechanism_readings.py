"""What is read of a model of E8 while it is trained: its induction heads, its sinks, and what its rows leave out."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from headscope.interp.collapse.sinks import sinks
from headscope.interp.detectors.scores import detector_scores
from headscope.interp.detectors.targets import TARGETS
from headscope.models.attention.table import leaves_mass
from headscope.models.data.table import fields_of
from headscope.models.data.text.batches import WINDOWS
from headscope.models.data.text.corpus import prepare_corpus
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Measure
from headscope.models.training.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator

READINGS = ("induction", "induction_chance", "sink", "sink_chance", "nothing")
PROMPTS, SEED = 8, 0
INDUCTION = list(TARGETS).index("induction")
Prompts = Int64[Tensor, "prompt pos"]
Patterns = Float[Tensor, "prompt layer head query key"]


def head_readings(recipe: Recipe) -> Measure:
    """What is measured of the heads of a recipe's model, on prompts that are the same for every model of its data.

    induction: of the head with the largest share of its weight on the tokens that followed an earlier copy, on random
    ids that stand twice; sink: the mean share of the first token over all heads, on held-out text; nothing: the mean
    mass that rows leave to no token there. induction_chance, sink_chance: of equal weights.
    """
    text = fields_of(recipe.data)
    corpus = prepare_corpus(text)
    held_out = WINDOWS["joined"].held_out(corpus.text(corpus.validation), windows=PROMPTS, context=text.context)
    random = repeated_ids(corpus.bos, len(corpus.tokenizer), text.context)
    layers = int(recipe.model["num_hidden_layers"])
    parts = recipe.spec.by_layer(layers)
    leaving = [layer in parts and leaves_mass(parts[layer].variant) for layer in range(layers)]

    def measure(accelerator: "Accelerator", model: nn.Module) -> Record:
        on_text = patterns_of(model, held_out[:, :-1])
        return induction_numbers(patterns_of(model, random), random) | sink_numbers(on_text, leaving)

    return measure


def repeated_ids(bos: int, vocabulary: int, context: int) -> Prompts:
    """BOS, and distinct random ids that stand twice: every query of the second half has one induction cell."""
    dice = torch.Generator().manual_seed(SEED)
    known = torch.tensor([at for at in range(vocabulary) if at != bos])
    spans = [known[torch.randperm(len(known), generator=dice)[: (context - 1) // 2]] for _ in range(PROMPTS)]
    return torch.stack([torch.cat([torch.tensor([bos]), span, span]) for span in spans])


@torch.no_grad()
def patterns_of(model: nn.Module, prompts: Prompts) -> Patterns:
    """The patterns of all layers."""
    ids = prompts.to(next(model.parameters()).device)
    seen = torch.ones_like(ids)  # BOS is no padding
    given = model(input_ids=ids, attention_mask=seen, output_attentions=True, use_cache=False).attentions
    return torch.stack([pattern.float().cpu() for pattern in given], 1)


def induction_numbers(patterns: Patterns, prompts: Prompts) -> Record:
    """The largest share on induction cells over all heads, each a mean over prompts, and that head's by chance."""
    visible = causal(patterns)
    scores = [detector_scores(pattern, ids, visible) for pattern, ids in zip(patterns, prompts, strict=True)]
    share, null = (
        torch.stack([getattr(item, name)[INDUCTION] for item in scores]).nanmean(0).flatten()
        for name in ("share", "share_null")
    )
    head = int(share.nan_to_num(-1).argmax())
    return {"induction": float(share[head]), "induction_chance": float(null[head])}


def sink_numbers(patterns: Patterns, leaving: list[bool]) -> Record:
    """Means over heads and prompts: the share on the first token, that by equal weights, and what rows leave out."""
    visible = causal(patterns)
    read = [sinks(pattern, visible, leaves_mass=leaving) for pattern in patterns]
    fields = {"sink": "share", "sink_chance": "share_null", "nothing": "into_nothing"}
    return {
        name: float(torch.stack([getattr(item, field) for item in read]).nanmean()) for name, field in fields.items()
    }


def causal(patterns: Patterns) -> Tensor:
    """Which keys each query of each layer sees."""
    queries = patterns.shape[-1]
    return torch.ones(queries, queries, dtype=torch.bool).tril().expand(patterns.shape[1], -1, -1)
