"""AdamW with weight decay on matrices alone."""

from torch import nn
from torch.optim import AdamW

from headscope.models.fitting.plan import Plan

BETAS = (0.9, 0.95)


def adamw(model: nn.Module, plan: Plan) -> AdamW:
    """The optimizer of a training: norms, biases and scalars do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [item for item in parameters if item.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [item for item in parameters if item.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=plan.lr, betas=BETAS)
