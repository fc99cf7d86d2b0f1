"""The rows of attribution in the table of analyses."""

from dataclasses import replace

import torch

from interp.activations import NORM_AFTER, Activations
from interp.analysis import Analysis, Setting
from interp.attribution.direct import DirectAttribution, SourceAttribution, direct_attribution, source_attribution
from interp.attribution.logit_lens import READS, LogitLens, logit_lens, stream
from interp.attribution.residual_parts import WRITES, readout, residual_parts
from interp.attribution.target import Target, token_name
from interp.prompt_tokens import token_string

LAST = "ln_final.hook_scale"


def likeliest(run: Activations) -> Target:
    """The token that the model expects after the prompt."""
    return Target(int(run.logits[-1].argmax()), name="logit of the likeliest token after the prompt")


def naming(target: Target, setting: Setting) -> dict[str, tuple[str, ...]]:
    """The target's token as a label, which a mean over prompts has not where they differ in it."""
    return {"target": (token_name(target.token, token_string(target.token, setting.tokenizer)),)}


def _direct_logit_attribution(setting: Setting, run: Activations) -> DirectAttribution:
    parts, target = residual_parts(run, setting.weights), likeliest(run)
    found = direct_attribution(parts, readout(run, setting.weights), target)
    return replace(found, labels={**found.labels, **naming(target, setting)})


def _source_attribution(setting: Setting, run: Activations) -> SourceAttribution:
    target = likeliest(run)
    found = source_attribution(
        run["attn.hook_pattern"][:, :, -1],
        run["attn.hook_v"],
        setting.weights.W_O / run[NORM_AFTER][:, -1, :, None, None],
        readout(run, setting.weights),
        target,
    )
    return replace(found, labels={"source": run.tokens.strings, **naming(target, setting)})


def _logit_lens(setting: Setting, run: Activations) -> LogitLens:
    """Of the token that comes next and of the one that the model expects; after the last position, of the latter."""
    expected = run.logits.argmax(-1)
    following = torch.tensor([*run.tokens.ids[1:], int(expected[-1])])
    targets = torch.stack([following, expected], -1)
    found = logit_lens(stream(run), setting.weights, targets, ("next token", "likeliest token"), setting.facts.soft_cap)
    ids = torch.cat([found.token.flatten(), found.top.flatten()]).unique().tolist()
    strings = {i: token_string(i, setting.tokenizer) for i in ids}
    return replace(found, strings=strings, labels={**found.labels, "pos": run.tokens.strings})


ROWS = (
    Analysis(
        "direct_logit_attribution",
        "What each component and head adds to the logit of the likeliest token after the prompt.",
        (*WRITES, LAST),
        _direct_logit_attribution,
    ),
    Analysis(
        "source_attribution",
        "What each head moves from each token into the logit of the likeliest token after the prompt.",
        (NORM_AFTER, LAST, "attn.hook_pattern", "attn.hook_v"),
        _source_attribution,
        over_tokens=True,
    ),
    Analysis(
        "logit_lens",
        "What the residual stream before each layer would predict at every position.",
        READS,
        _logit_lens,
        over_tokens=True,
    ),
)
