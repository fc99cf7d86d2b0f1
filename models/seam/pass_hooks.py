"""Pass hooks: a base model's forward pass makes itself known to its attention calls, whatever its layers hand on."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from headscope.models.seam.model_pass import MODEL_PASS, ModelPass, current_pass

CountOf = Callable[[dict[str, Any]], Int[Tensor, "batch_or_one total"] | None]


def pass_hooks(base: nn.Module, count_of: CountOf) -> list[RemovableHandle]:
    """From now on every forward pass of the base model is known while it lasts; the passes of threads stay apart.

    count_of: the visible tokens up to each position, of the arguments of a call by name.
    """
    names = tuple(inspect.signature(base.forward).parameters)

    def begin(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():
            return
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        need_pattern = bool(arguments.get("output_attentions") or module.config.output_attentions)
        MODEL_PASS.put(ModelPass(need_pattern, count_of(arguments)))

    def end(module: Any, args: tuple[Any, ...], output: Any) -> None:
        if not torch.compiler.is_compiling():
            MODEL_PASS.drop()

    return [
        base.register_forward_pre_hook(begin, with_kwargs=True),
        base.register_forward_hook(end, always_call=True),
    ]


def query_hook(projection: nn.Module, layer: int) -> RemovableHandle:
    """From now on the pass keeps W_Q x of a layer, as its projection gives it."""

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        current_pass().queries[layer] = output

    return projection.register_forward_hook(keep)
