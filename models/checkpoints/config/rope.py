"""Rope fields that their kind of rope does not use: transformers warns and computes another model than was meant."""

from copy import deepcopy
from functools import partial
from typing import Any

from transformers import PreTrainedConfig

from headscope.models.checkpoints.files.refusal import CheckpointError

# The released files say alpha, which their rope reads, and carry YaRN's fields, which nothing reads, as theirs do.
CARRIED = {"hunyuan_v1_dense": {"alpha", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"}}


def refuse_unused_rope(config: PreTrainedConfig, origin: str) -> None:
    """Raise CheckpointError for what transformers' own check of rope_parameters calls unrecognised."""
    checked: Any = deepcopy(config)
    checked._check_received_keys = partial(refuse_unused_keys, origin, CARRIED.get(config.model_type, set()))
    checked.validate_rope()


def refuse_unused_keys(
    origin: str,
    carried: set[str],
    rope_type: str,
    received_keys: set[str],
    required_keys: set[str],
    optional_keys: set[str] | None = None,
    ignore_keys: set[str] | None = None,
) -> None:
    """In the place of transformers' `_check_received_keys`, with its arguments and its exceptions from the rule."""
    known = {*required_keys, *(optional_keys or ()), *(ignore_keys or ()), "partial_rotary_factor"}
    if unused := sorted(received_keys - known - carried - {"type"}):
        raise CheckpointError(
            f"cannot open {origin}: the rope of type {rope_type!r} has no field {unused[0]!r}; "
            f"it has {', '.join(sorted(known))}"
        )
