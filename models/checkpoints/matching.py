"""Which stored tensor is which parameter: every one once, of the right shape and a floating number format."""

import re
from collections.abc import Set

from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.skeleton import Skeleton

LAYER = re.compile(r"(?:^|\.)(?:h|layers?)\.(\d{1,6})\.")
WEIGHTS = ("F16", "BF16", "F32", "F64")
WRAPPERS = ("module._orig_mod.", "_orig_mod.module.", "_orig_mod.", "module.")
RECOMPUTED = ("bias", "masked_bias", "rotary_emb.inv_freq")
# Beside a masked language model: what sums up a text or tells two apart, which no token's answer and no residual reads;
# and positions that are counted anew.
UNREAD = re.compile(r"(?:^|\.)(?:pooler\.dense|seq_relationship)\.(?:weight|bias)$|embeddings\.position_ids$")
OLDER = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
TOWER = "vision_model."


def stored_layers(names: list[str]) -> int:
    """How many layers tensors of these names belong to."""
    result = (LAYER.search(name) for name in names)
    return 1 + max((int(layer.group(1)) for layer in result if layer), default=-1)


def stored_names(
    stored: dict[str, StoredTensor], skeleton: Skeleton, origin: str, described_by: str = "config.json"
) -> dict[str, str]:
    """Parameter name -> stored name, of every parameter that is not a repetition of another.

    described_by: what says which model it is, in errors.
    """
    places = _places(stored, skeleton, origin)
    _refuse_without_head(places.keys(), skeleton, origin)
    unknown = {name for name in unknown_names(places.keys(), skeleton) if not UNREAD.search(name)}
    _refuse("unexpected tensor", unknown, origin, described_by)
    repeated = {name for pair in skeleton.tied.items() for name in pair if set(pair) & places.keys()}
    _refuse("missing tensor", skeleton.shapes.keys() - places.keys() - repeated, origin, described_by)
    result = {name: places[name] for name in skeleton.shapes if name in places}
    for name, stored_name in result.items():
        tensor = stored[stored_name]
        if tensor.shape != skeleton.shapes[name]:
            raise CheckpointError(
                f"cannot open {origin}: {stored_name!r} has shape {list(tensor.shape)}, "
                f"{described_by} makes it {list(skeleton.shapes[name])}"
            )
        refuse_other_numbers(stored_name, tensor, origin)
    return result


def refuse_other_numbers(name: str, tensor: StoredTensor, origin: str) -> None:
    """Raise CheckpointError for a stored tensor of numbers that are no weights."""
    if tensor.dtype not in WEIGHTS:
        raise CheckpointError(
            f"cannot open {origin}: {name!r} is stored as {tensor.dtype}; weights are {', '.join(WEIGHTS)}"
        )


def unknown_names(names: Set[str], skeleton: Skeleton) -> set[str]:
    """Those of the names that are neither parameters of the described model nor buffers that it computes anew."""
    recomputed = {f"{module}.{buffer}" for module in skeleton.attention for buffer in RECOMPUTED}
    return set(names - skeleton.shapes.keys() - recomputed)


def wrapper(names: Set[str]) -> str:
    """What torch.compile and data parallelism wrote before every name."""
    return next((prefix for prefix in WRAPPERS if names and all(name.startswith(prefix) for name in names)), "")


def _places(stored: dict[str, StoredTensor], skeleton: Skeleton, origin: str) -> dict[str, str]:
    """Parameter name -> stored name. Files of a base model (GPT-2's on the hub) leave out its prefix, or name it."""
    taken_off = wrapper(stored.keys()) + _needless_prefix(stored.keys(), skeleton)
    bare = not any(name.startswith(taken_off + skeleton.prefix) for name in stored)
    renamed = {in_file: name for name, in_file in skeleton.file_names.items()}
    places: dict[str, str] = {}
    for stored_name in stored:
        own_name = stored_name.removeprefix(taken_off)
        name = renamed.get(own_name, current_name(own_name))
        name = skeleton.prefix + name if bare and name not in skeleton.shapes else name
        if name in places:
            raise CheckpointError(f"cannot open {origin}: {stored_name!r} and {places[name]!r} are the same parameter")
        places[name] = stored_name
    return places


def current_name(name: str) -> str:
    """The name of today for a name of a norm's numbers that BERT's first files have."""
    return next((name.removesuffix(old) + new for old, new in OLDER.items() if name.endswith(old)), name)


def _needless_prefix(names: Set[str], skeleton: Skeleton) -> str:
    """What stands before every name of a file, and before none of a model without a head."""
    prefixes = (skeleton.prefix, TOWER)
    bare = not any(name.startswith(prefixes) for name in skeleton.shapes)
    return next((prefix for prefix in prefixes if bare and all(name.startswith(prefix) for name in names)), "")


def _refuse_without_head(names: Set[str], skeleton: Skeleton, origin: str) -> None:
    head = sorted(name for name in skeleton.shapes.keys() - skeleton.tied if not name.startswith(skeleton.prefix))
    if head and not names & set(head):
        raise CheckpointError(
            f"cannot open {origin}: its weights are a base model's, without the head ({head[0]!r} is missing); "
            f"save the whole model, a {skeleton.head}, after training its head"
        )


def _refuse(what: str, names: set[str], origin: str, described_by: str) -> None:
    if names:
        first, *others = sorted(names)
        more = f" and {len(others)} more" if others else ""
        raise CheckpointError(f"cannot open {origin}: {what} {first!r}{more}; {described_by} describes another model")
