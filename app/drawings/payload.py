"""Payload: what a component draws, as a JSON header and raw arrays in one run of bytes."""

import json
import struct

import numpy as np


def payload(header: dict[str, object], **arrays: np.ndarray) -> bytes:
    """Length of the header (uint32, little-endian), the header with a list of arrays, then each array on 8 bytes."""
    entries, parts, offset = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        entries.append({"name": name, "type": array.dtype.name, "shape": array.shape, "offset": offset})
        padding = -len(raw) % 8
        parts.append(raw + bytes(padding))
        offset += len(raw) + padding
    text = json.dumps({**header, "arrays": entries}, ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return struct.pack("<I", len(text)) + text + b"".join(parts)
