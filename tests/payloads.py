"""Payloads read back, as the page's scripts read them."""

import json
import struct
from typing import Any

import numpy as np


def read_payload(raw: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of one run of bytes."""
    [length] = struct.unpack("<I", raw[:4])
    header, body = json.loads(raw[4 : 4 + length]), raw[4 + length :]
    counts = {entry["name"]: int(np.prod(entry["shape"])) for entry in header["arrays"]}
    return header, {
        entry["name"]: np.frombuffer(body, entry["type"], counts[entry["name"]], entry["offset"])
        for entry in header["arrays"]
    }
