"""The rows of attribution in the table of analyses."""

from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.attribution.direct import (
    DirectAttribution,
    SourceAttribution,
    direct_attribution,
    source_attribution,
)
from headscope.interp.attribution.logit_lens import READS, LogitLens, logit_lens, logit_lens_stream
from headscope.interp.attribution.residual_parts import WRITES, readout, residual_parts
from headscope.interp.reading.activations import MIXING, NORM_AFTER, Activations
from headscope.interp.reading.size import LOOK, Size
from headscope.interp.reading.target import Target, token_name

LOOKS = 16  # of the lens, at each logit: exponentials, moments, ranks, the largest
LAST = "ln_final.hook_scale"


def likeliest(run: Activations) -> Target:
    """The token that the model expects after the prompt or at its mask, or the class that it sees in an image."""
    answer = run.tokens.words.answer
    return Target(int(run.logits[-1].argmax()), name=f"logit of the likeliest {answer}")


def naming(target: Target, setting: Setting) -> dict[str, tuple[str, ...]]:
    """The target's token or class as a label, which a mean over prompts has not where they differ in it."""
    name, facts = setting.answer(target.token), setting.facts
    kind = "class" if facts.classes else "" if facts.answers is None else "answer"
    return {"target": (f"{kind} {name}" if kind else token_name(target.token, name),)}


def _direct_logit_attribution(setting: Setting, run: Activations) -> DirectAttribution:
    at, target = run.tokens.read_out, likeliest(run)
    parts = residual_parts(run, setting.weights, at)
    result = direct_attribution(parts, readout(run, setting.weights, at), target)
    return replace(result, labels={**result.labels, **naming(target, setting)})


def _source_attribution(setting: Setting, run: Activations) -> SourceAttribution:
    at, target = run.tokens.read_out, likeliest(run)
    result = source_attribution(
        run[MIXING][:, :, at],
        run["attn.hook_v"],
        setting.weights.W_O / run[NORM_AFTER][:, at, :, None, None],
        readout(run, setting.weights, at),
        target,
    )
    return replace(result, labels={"key": run.tokens.strings, **naming(target, setting)})


def _logit_lens(setting: Setting, run: Activations) -> LogitLens:
    """Of the token that comes next and of the one that the model expects; after the last position, of the latter.

    Of an image: of the class that it shows, where that is known, and of the one that the model sees. Of a text that
    the model does not continue: of the likeliest answer.
    """
    targets, names = lens_targets(run)
    result = logit_lens(logit_lens_stream(run), setting.weights, targets, names, setting.facts.soft_cap)
    ids = torch.cat([result.token.flatten(), result.top.flatten()]).unique().tolist()
    strings = {i: setting.answer(i) for i in ids}
    return replace(result, strings=strings, labels={**result.labels, "pos": run.tokens.strings})


def lens_targets(run: Activations) -> tuple[Int[Tensor, "pos target"], tuple[str, ...]]:
    """Whose logits the lens reads at every position, and what they are called."""
    expected = run.logits.argmax(-1)
    if not run.tokens.answers_by_position:
        answers = [int(expected), *run.tokens.known_answers]
        names = (f"likeliest {run.tokens.words.choice}", f"true {run.tokens.words.choice}")
        return torch.tensor(answers).expand(len(run.tokens), -1), names[: len(answers)]
    if not run.tokens.is_continued:
        return expected[:, None], ("likeliest answer",)
    following = torch.tensor([*run.tokens.known_answers, int(expected[-1])])
    return torch.stack([following, expected], -1), ("next token", "likeliest token")


def lens_cost(size: Size) -> int:
    """The logits of every layer and position, each looked at so many times."""
    return size.layers * size.tokens * size.facts.vocabulary * (size.facts.d_model + LOOKS * LOOK)


ROWS = (
    Analysis(
        "direct_logit_attribution",
        "What each component and head adds to the logit of the likeliest {answer}.",
        (*WRITES, LAST),
        _direct_logit_attribution,
        matrices=("W_O", "W_U", "residual parts"),
        reads_answer=True,
        cost=lambda size: size.vocabulary_squared,
        per_head=True,
    ),
    Analysis(
        "source_attribution",
        "What each head moves from each {token} into the logit of the likeliest {answer}.",
        (NORM_AFTER, LAST, MIXING, "attn.hook_v"),
        ByLayer(_source_attribution),
        over_tokens=True,
        matrices=("W_O", "W_U"),
        reads_answer=True,
        cost=lambda size: size.heads * size.tokens * size.facts.d_model**2,  # W_U's covariance is kept
        row_laws="any: a weight counts with its sign",
    ),
    Analysis(
        "logit_lens",
        "What the residual stream before each layer would predict at every position.",
        READS,
        _logit_lens,
        reads_logits=True,
        over_tokens=True,
        matrices=("W_U",),
        reads_answer=True,
        cost=lens_cost,
    ),
)
