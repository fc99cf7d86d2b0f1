"""Block parts: which module of a block is its norm before attention, its MLP and so on, by what goes in and out."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class PartCall:
    """One call of a part: its name, the first tensor that went in and the first that came out."""

    name: str
    given: Tensor | None
    output: Tensor | None


def first_tensor(values: Any) -> Tensor | None:
    """A tensor itself, or the first of a tuple."""
    if isinstance(values, Tensor):
        return values
    return next((value for value in values if isinstance(value, Tensor)), None) if isinstance(values, tuple) else None


@contextmanager
def recorded_parts(parts: dict[str, nn.Module]) -> Iterator[list[PartCall]]:
    """The calls of these parts in the order in which they end."""
    calls: list[PartCall] = []

    def record(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        calls.append(PartCall(name, first_tensor((*args, *kwargs.values())), first_tensor(output)))

    with ExitStack() as stack:
        for name, part in parts.items():

            def hook(module: Any, args: Any, kwargs: Any, output: Any, name: str = name) -> None:
                record(name, args, kwargs, output)

            stack.callback(part.register_forward_hook(hook, with_kwargs=True).remove)
        yield calls


def is_norm(module: nn.Module) -> bool:
    """Whether a module has vectors at most: no matrix is applied."""
    return all(parameter.ndim < 2 for parameter in module.parameters())


def is_scale(module: nn.Module, call: "PartCall") -> bool:
    """Whether a part multiplies every entry by a number of its own, as a layer scale does (DINOv2)."""
    if call.given is None or call.output is None or not any(True for _ in module.parameters()):
        return False
    return bool(torch.allclose(module(2 * call.given), 2 * call.output, rtol=1e-3, atol=1e-6))


def block_parts(block: nn.Module, within: str, calls: Sequence[PartCall]) -> dict[str, str]:
    """Role in transformer-lens's words -> name within the block: ln1, ln1_post, ln2, mlp, ln2_post, those there are.

    attn_scale, mlp_scale: layer scales after attention and MLP.

    calls: of the block's children, of the attention (named `within`) and of the block itself (named ""). A role is
    left out where the tensors do not say so: of a norm over the sum of a branch and the stream, for example.
    """
    by_name = {call.name: call for call in calls}
    attention, whole = by_name.get(within), by_name.get("")
    if attention is None or whole is None:
        return {}
    children = [call for call in calls if call.name and "." not in call.name and call.name != within.split(".")[0]]
    vectors = [call for call in children if is_norm(block.get_submodule(call.name))]
    scales = [call for call in vectors if is_scale(block.get_submodule(call.name), call)]
    norms = [call for call in vectors if call not in scales]
    others = [call for call in children if call not in vectors]
    roles = {
        "ln1": joining(norms, whole.given, attention.given),
        "ln1_post": reading(norms, attention.output),
        "attn_scale": reading(scales, attention.output),
    }
    mlp = others[0] if len(others) == 1 else None
    if mlp is not None:
        roles |= {"ln2": writing(norms, mlp.given), "mlp": mlp, "ln2_post": reading(norms, mlp.output)}
        roles["mlp_scale"] = reading(scales, mlp.output)
        if roles["ln2"] is not None and roles["ln2"] is roles["ln1"]:
            roles["ln2"] = None
    return {role: call.name for role, call in roles.items() if call is not None}


def parts_as(roles: dict[str, str], calls: Sequence[PartCall]) -> set[str]:
    """The roles of other blocks' parts that those of the same name have in a block without attention.

    The block's norm reads its stream, and its MLP what the norm before it wrote; nothing is said of what mixes tokens.
    """
    by_name = {call.name: call for call in calls}
    called = {role: by_name[name] for role, name in roles.items() if name in by_name}
    whole, mlp = by_name.get(""), called.get("mlp")
    first, before, after = (called.get(role) for role in ("ln1", "ln2", "ln2_post"))
    has = {"ln1": first is not None and whole is not None and first.given is whole.given}
    if mlp is not None and "ln2" in roles:
        has["ln2"] = has["mlp"] = before is not None and before.output is mlp.given
        has["ln2_post"] = has["mlp"] and after is not None and after.given is mlp.output
    return {role for role, there in has.items() if there}


def joining(calls: Sequence[PartCall], source: Tensor | None, target: Tensor | None) -> PartCall | None:
    """The part from one tensor to another."""
    return next((call for call in calls if call.given is source and call.output is target), None)


def reading(calls: Sequence[PartCall], source: Tensor | None) -> PartCall | None:
    """The part that reads a tensor."""
    return next((call for call in calls if source is not None and call.given is source), None)


def writing(calls: Sequence[PartCall], target: Tensor | None) -> PartCall | None:
    """The part that writes a tensor."""
    return next((call for call in calls if target is not None and call.output is target), None)
