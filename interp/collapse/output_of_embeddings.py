"""A forward pass that remembers how one token's output came from the embeddings of all tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from transformers import PreTrainedModel

from headscope.interp.reading.activations import final_hook
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of, prompt_of


@dataclass(frozen=True)
class OutputOfEmbeddings:
    """The same prompt `copy` times over, so that one backward pass pulls back as many cotangents, with any operation.

    output: the final norm's at one token. embeddings: what the token embedding gave, before any learned positions
    (of an image after them).
    """

    embeddings: Float[Tensor, "copy pos d_model"]
    output: Float[Tensor, "copy d_model"]


def output_of_embeddings(
    model: HookedModel | PreTrainedModel, ids: Sequence[int] | Prompt, position: int, copies: int
) -> OutputOfEmbeddings:
    """One pass of a hooked model, or of a plain Hugging Face decoder. Hooks are state: one run at a time."""
    repeated = batch_of(model, [prompt_of(ids)] * copies)
    with torch.enable_grad():
        run = hooked_pass(model, repeated) if isinstance(model, HookedModel) else plain_pass(model, repeated)
    return OutputOfEmbeddings(run["embeddings"], run["output"][:, position])


def hooked_pass(model: HookedModel, batch: Shaped[Tensor, "copy ..."]) -> dict[str, Float[Tensor, "copy pos d_model"]]:
    """Embeddings and final norm's output, by way of hooks."""
    seen: dict[str, Tensor] = {}

    def feed(embeddings: Float[Tensor, "copy pos d_model"], hook: object) -> Float[Tensor, "copy pos d_model"]:
        seen["embeddings"] = embeddings.detach().requires_grad_()
        return seen["embeddings"]

    def keep(output: Float[Tensor, "copy pos d_model"], hook: object) -> None:
        seen["output"] = output

    few = {} if batch.is_floating_point() else {"logits_to_keep": 1}
    model.run_with_hooks(batch, fwd_hooks=[("hook_embed", feed), (final_hook(model), keep)], **few)
    return seen


def plain_pass(model: PreTrainedModel, ids: Int[Tensor, "copy pos"]) -> dict[str, Float[Tensor, "copy pos d_model"]]:
    """The same of a model without hooks: transformers' last_hidden_state comes after the final norm."""
    embeddings = model.get_input_embeddings()(ids).detach().requires_grad_()
    return {"embeddings": embeddings, "output": model.base_model(inputs_embeds=embeddings).last_hidden_state}
