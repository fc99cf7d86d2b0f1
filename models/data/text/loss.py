"""The loss of a language model on windows of tokens."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.examples import UNASKED
from headscope.models.data.text.batches import WINDOWS
from headscope.models.data.text.corpus import Corpus
from headscope.models.data.text.repeats import with_repeats
from headscope.models.data.text.text_data import TextData
from headscope.models.fitting.objective import Objective

if TYPE_CHECKING:
    from accelerate import Accelerator


def next_token_loss(model: nn.Module, windows: Int64[Tensor, "batch position"]) -> Float[Tensor, ""]:
    """Mean nats per token of each window's tokens after its first that are asked for, computed in float32."""
    read = windows[:, :-1].clamp(min=0)  # what is not asked for stands at the end, where nothing reads it
    logits = model(input_ids=read, use_cache=False).logits
    return cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten(), ignore_index=UNASKED)


def next_token_objective(corpus: Corpus, data: TextData, batch: int, seed: int) -> Objective:
    """The windows of a corpus, and the loss on those held out."""

    shown, text = WINDOWS[data.windows], corpus.text(corpus.training)

    def batch_of(step: int) -> dict[str, Tensor]:
        windows = shown.training(text, seed=seed, step=step, batch=batch, context=data.context)
        return {"windows": with_repeats(windows, data.repeats, seed=seed, step=step)}

    return Objective(
        batch_of,
        lambda model, batch: next_token_loss(model, batch["windows"]),
        lambda accelerator, model: {"validation_loss": validation_loss(accelerator, model, corpus, data, batch)},
        unit="tokens",
        per_step=batch * data.context,
    )


@torch.no_grad()
def validation_loss(accelerator: "Accelerator", model: nn.Module, corpus: Corpus, data: TextData, batch: int) -> float:
    """Mean nats per token of the held-out windows, shared out over the processes; the model is in eval mode."""
    text, most = corpus.text(corpus.validation), data.validation_windows
    windows = WINDOWS[data.windows].held_out(text, windows=most, context=data.context)
    total = torch.zeros(2, dtype=torch.float64 if accelerator.device.type == "cpu" else torch.float32)
    for part in windows[accelerator.process_index :: accelerator.num_processes].split(batch):
        request = int((part[:, 1:] != UNASKED).sum())
        total += torch.tensor([next_token_loss(model, part.to(accelerator.device)).item() * request, request])
    nats, count = torch.as_tensor(accelerator.reduce(total.to(accelerator.device), "sum")).tolist()
    return nats / count
