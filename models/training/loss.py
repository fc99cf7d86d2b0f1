"""The loss of a language model on windows of tokens."""

import torch
from accelerate import Accelerator
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from models.training.batches import training_batch, validation_batch
from models.training.corpus import Corpus
from models.training.objective import Objective
from models.training.recipe import Recipe


def next_token_loss(model: nn.Module, windows: Int64[Tensor, "batch position"]) -> Float[Tensor, ""]:
    """Mean nats per token of each window's tokens after its first, computed in float32."""
    logits = model(input_ids=windows[:, :-1], use_cache=False).logits
    return cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())


def next_token_objective(corpus: Corpus, recipe: Recipe) -> Objective:
    """A recipe's windows of its corpus, and the loss on those held out."""

    def batch(step: int) -> dict[str, Tensor]:
        return {
            "windows": training_batch(
                corpus.training,
                seed=recipe.seed,
                step=step,
                batch=recipe.batch,
                context=recipe.context,
                bos=corpus.bos,
            )
        }

    return Objective(
        batch,
        lambda model, batch: next_token_loss(model, batch["windows"]),
        lambda accelerator, model: {"validation_loss": validation_loss(accelerator, model, corpus, recipe)},
        unit="tokens",
        per_step=recipe.batch * recipe.context,
    )


@torch.no_grad()
def validation_loss(accelerator: Accelerator, model: nn.Module, corpus: Corpus, recipe: Recipe) -> float:
    """Mean nats per token of the held-out windows, shared out over the processes; the model is in eval mode."""
    windows = validation_batch(
        corpus.validation, windows=recipe.validation_windows, context=recipe.context, bos=corpus.bos
    )
    total = torch.zeros(2, dtype=torch.float64 if accelerator.device.type == "cpu" else torch.float32)
    for part in windows[accelerator.process_index :: accelerator.num_processes].split(recipe.batch):
        total += torch.tensor([next_token_loss(model, part.to(accelerator.device)).item() * len(part), len(part)])
    nats, count = torch.as_tensor(accelerator.reduce(total.to(accelerator.device), "sum")).tolist()
    return nats / count
