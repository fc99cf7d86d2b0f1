"""Head lens: what the model's own head would answer if the residual stream before each layer were its last."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import AnalysisRequest
from headscope.interp.attribution.logit_lens import LENS, LogitLens, depth_lens, lens_of_depths
from headscope.interp.interventions.touched_run import logits_of_rows
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of, last_logits_alone
from headscope.interp.reading.watch import Watch

STREAM = ("hook_resid_pre", "hook_resid_post")
ABOUT = replace(
    LENS,
    title="Logit lens through the head",
    law="the model with the residual stream before a layer in the place of the last: all that its head does is done",
    plain="What the model would say if it stopped after each layer: its own head reads the residual stream there.",
)


def prompt_head_lens(request: AnalysisRequest, watch: Watch) -> LogitLens:
    """The lens where the prompt is answered: at its mask, at its last token, or of an image."""
    [prompt] = request.prompts
    [run] = gathered_activations(request.model, [prompt], STREAM)
    known = () if prompt.answers_by_position else prompt.known_answers
    targets = torch.tensor([[int(run.logits[-1].argmax()), *known]])
    names = (f"likeliest {prompt.words.choice}", f"true {prompt.words.choice}")[: targets.shape[1]]
    streams = torch.cat([run["hook_resid_pre"], run["hook_resid_post"][-1:]])
    depths = [depth_lens(row, targets, None) for row in answers_of_streams(request.model, prompt, streams)]
    result = lens_of_depths(depths, targets, names, ABOUT)
    ids = torch.cat([result.token.flatten(), result.top.flatten()]).unique().tolist()
    labels = {**result.labels, "pos": (prompt.strings[prompt.read_out],)}
    return replace(result, strings={i: request.setting.answer(i) for i in ids}, labels=labels)


def answers_of_streams(
    model: HookedModel, prompt: Prompt, streams: Float[Tensor, "depth pos d_model"]
) -> Float[Tensor, "depth 1 vocab"]:
    """The answer to a prompt with each of these in the place of the last residual stream, in one forward pass."""
    last = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
    rows, hooks = batch_of(model, [prompt] * len(streams)), [(last, lambda value, hook: streams.to(value))]
    return logits_of_rows(model, rows, hooks, prompt, **last_logits_alone(prompt))[:, -1:]
