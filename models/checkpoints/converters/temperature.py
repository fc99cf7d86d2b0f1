"""The temperatures of selective attention's training code: a number β a layer, in one of two forms."""

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.facts import Fact
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.spec import AttentionSpec

ENDING = "variant.temperature_q.position"
EXPONENTIAL, LINEAR = "exponential", "linear"


def idle(checkpoint: ForeignCheckpoint) -> str | None:
    """A form where there is no β, which then says nothing."""
    return None if any(name.endswith(".attn.beta") for name in checkpoint.tensors) else EXPONENTIAL


TEMPERATURE = Fact(
    "of a query that sees n keys: exponential is 1 + exp(−exp β) ln n, linear 1 + β ln n",
    str,
    idle,
    assumed=EXPONENTIAL,
    choices=(EXPONENTIAL, LINEAR),
)


def temperature_spec(tensors: dict[str, Tensor]) -> AttentionSpec:
    """Selective attention as its code has it where there are temperatures, else softmax."""
    tempered = any(name.endswith(ENDING) for name in tensors)
    return AttentionSpec("selective", position="paper_code") if tempered else AttentionSpec("softmax")


def with_temperatures(tensors: dict[str, Tensor], form: str, checkpoint: ForeignCheckpoint) -> dict[str, Tensor]:
    """The tensors with every β as the exponential form has it, where 1 + β ln n is the same with ln(−ln β)."""
    betas = {name: beta.float().reshape(()) for name, beta in tensors.items() if name.endswith(ENDING)}
    if form == LINEAR:
        for name, beta in betas.items():
            if not 0 < beta < 1:
                raise CheckpointError(
                    f"cannot open {checkpoint.file}: its temperatures are linear, and {name.rpartition('.variant')[0]} "
                    f"has β = {beta:g}; only those between 0 and 1 have an exponential form"
                )
        betas = {name: torch.log(-torch.log(beta)) for name, beta in betas.items()}
    return tensors | betas
