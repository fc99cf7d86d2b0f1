"""Continuation: the text that a model writes after a prompt, its likeliest token each time, with edits held on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.next_token_passes import NextTokenPasses
from headscope.interp.interventions.touched_run import refuse_outside
from headscope.interp.reading.hooked_model import HookedModel, begins_with_bos, tokenizer_of
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import PromptTokens, prompt_tokens, refuse_unreadable_ids
from headscope.interp.reading.token_strings import token_string
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.io.fields import Fields

ABOUT = About(
    title="Continuation",
    unit="nats",
    law="each token is the likeliest after all before it, with the same edits in every pass; log p by softmax",
    source="headscope",
    plain="The text that the model writes after the prompt, always the likeliest token, with the edits held on. Each "
    "bar is how likely the model took the token that it wrote.",
)


@dataclass(frozen=True, repr=False)
class Continuation(Result):
    """The new tokens in order; the axis token is labelled with their texts. Fewer than asked for where the text ends.

    prompt_ids, prompt_strings: what they come after. ends: the last token is the one that ends a text.
    """

    drawn_by = "interventions:continuation_figure"

    log_probability: Float[Tensor, "token"]
    ids: Int[Tensor, "token"]
    prompt_ids: tuple[int, ...] = ()
    prompt_strings: tuple[str, ...] = ()
    interventions: tuple[Fields, ...] = ()
    ends: bool = False

    @property
    def strings(self) -> tuple[str, ...]:
        """The texts of the new tokens."""
        return self.labels["token"]

    @property
    def whole(self) -> PromptTokens:
        """The prompt and the new tokens after it, as the model reads them."""
        return PromptTokens((*self.prompt_ids, *self.ids.tolist()), (*self.prompt_strings, *self.strings))


Grown = Callable[[Continuation], None]


def continuation(
    model: HookedModel,
    prompt: str | Prompt,
    edits: Sequence[Intervention] = (),
    tokens: int = 8,
    watch: Grown = lambda grown: None,
) -> Continuation:
    """Continue a prompt by at most so many tokens; it takes about as many passes, the later ones over one token each.

    An edit of a head, a layer or a column is made in every pass; one of a row or a cell at its place in the prompt.
    watch: told of the text after each new token; what it raises ends it. Hooks are state: one run in at a time.
    Raises ValueError for a model that does not continue texts, for more than its context holds, for edits of what is
    not there, and where logits are no numbers.
    """
    read = readable_prompt(model, prompt, tokens)
    refuse_outside(model, len(read), edits)
    passes, tokenizer = NextTokenPasses(model, edits), tokenizer_of(model)
    last = None if tokenizer is None else tokenizer.eos_token_id
    result = nothing_written(read, edits)
    for _ in range(tokens):
        logits = passes.logits(result.whole.ids)
        refuse_no_numbers(logits, edits)
        chosen = int(logits.argmax())
        result = replace(
            result,
            ids=torch.cat([result.ids, torch.tensor([chosen])]),
            log_probability=torch.cat([result.log_probability, logits.float().log_softmax(-1)[[chosen]]]),
            labels={"token": (*result.strings, token_string(chosen, tokenizer))},
            ends=chosen == last,
        )
        watch(result)
        if result.ends:
            break
    return result


def nothing_written(read: PromptTokens, edits: Sequence[Intervention]) -> Continuation:
    """A continuation before its first token."""
    return Continuation(
        torch.zeros(0),
        torch.zeros(0, dtype=torch.int64),
        read.ids,
        read.strings,
        tuple(edit.to_json() for edit in edits),
        about=ABOUT,
        labels={"token": ()},
    )


def parting(first: Continuation, second: Continuation) -> int | None:
    """The number of the first new token at which two continuations differ, from 0; None where they do not."""
    pairs = list(zip(first.ids.tolist(), second.ids.tolist(), strict=False))
    differs = next((at for at, (a, b) in enumerate(pairs) if a != b), len(pairs))
    return None if differs == len(first.ids) == len(second.ids) else differs


def readable_prompt(model: HookedModel, prompt: str | Prompt, tokens: int) -> PromptTokens:
    """The prompt as the model reads it. ValueError where it cannot be continued by so many tokens."""
    facts = model_facts(model)
    if why := uncontinued(facts):
        raise ValueError(f"this model continues no text: it {why}")
    if tokens < 1:
        raise ValueError(f"a continuation has one new token at least, got {tokens}")
    sizes = {"vocabulary": facts.vocabulary, "context": facts.context}
    if isinstance(prompt, str):
        bos = facts.has_bos and begins_with_bos(model, None)
        read = prompt_tokens(prompt, tokenizer_of(model), prepend_bos=bos, **sizes)
    elif isinstance(prompt, PromptTokens):
        read = prompt
        refuse_unreadable_ids(read.ids, **sizes)
    else:
        raise ValueError(f"a text is continued, and {prompt.modality.words.given} was given")
    if (whole := len(read) + tokens) > facts.context:
        room = facts.context - len(read)
        raise ValueError(
            f"the prompt has {len(read)} tokens and this model reads {facts.context}, so {whole} are too many: "
            f"{f'ask for {room} new ones at most, or ' if room else ''}shorten the prompt"
        )
    return read


def uncontinued(facts: ModelFacts) -> str:
    """Why a model continues no text, as the end of a sentence, or nothing."""
    if not facts.modality.reads_ids:
        return f"reads {facts.words.prompt}s"
    if not facts.is_headed:
        return "has no head that makes logits"
    if facts.modality.asks_masks or not facts.is_causal:
        return "is an encoder, whose tokens see those after them too"
    return "" if facts.continues_texts else f"answers with one of {facts.answers} answers, which are no tokens"


def refuse_no_numbers(logits: Float[Tensor, "vocab"], edits: Sequence[Intervention]) -> None:
    """Raise ValueError where a logit is no number."""
    if logits.isnan().any():
        advice = ": scale by less, or set smaller weights" if edits else ""
        raise ValueError(f"{'with these edits ' if edits else ''}the logits are no numbers{advice}")
