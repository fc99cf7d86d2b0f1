"""Arrays: the numbers of a figure that was read from JSON, where plotly keeps them as base64."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import numpy as np


def with_arrays(properties: Any) -> Any:
    """The same properties with every {dtype, bdata, shape} as an array."""
    if isinstance(properties, list | tuple):
        return [with_arrays(item) for item in properties]
    if not isinstance(properties, Mapping):
        return properties
    if "bdata" not in properties:
        return {name: with_arrays(item) for name, item in properties.items()}
    flat = np.frombuffer(b64decode(properties["bdata"]), np.dtype(properties["dtype"]).newbyteorder("<"))
    shape = properties.get("shape", len(flat))
    return flat.reshape([int(item) for item in shape.split(",")] if isinstance(shape, str) else shape)
