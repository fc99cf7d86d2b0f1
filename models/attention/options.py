"""Options of a variant by name: numbers, words, truth values, tensors, or None where something else decides."""

from collections.abc import Mapping
from typing import Any

Options = Mapping[str, Any]
