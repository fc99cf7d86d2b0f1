"""One forward of four tokens, which finds what shapes cannot: head counts that do not divide, overflow."""

import torch
from transformers import PreTrainedModel

from models.checkpoints.refusal import CheckpointError, in_short


def refuse_broken(model: PreTrainedModel, origin: str) -> None:
    """Raise CheckpointError unless the model gives finite logits for its first four token ids."""
    try:
        ids = torch.arange(min(4, model.config.max_position_embeddings))[None] % model.config.vocab_size
        with torch.no_grad():
            logits = model(ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
    except Exception as error:
        raise CheckpointError(f"cannot open {origin}: a forward of four tokens fails ({in_short(error)})") from error
    if not torch.isfinite(logits).all():
        raise CheckpointError(f"cannot open {origin}: a forward of four tokens gives logits that are not finite")
