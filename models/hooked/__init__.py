"""Hooked models: attention variants behind transformer-lens's hook names."""

from headscope.models.seam import lens  # noqa: F401  before any module that imports transformer-lens

# isort: split
from headscope.models.hooked.bridge import HookedBridge
from headscope.models.hooked.build import hooked
from headscope.models.hooked.state_dict import hf_state_dict

__all__ = ["HookedBridge", "hf_state_dict", "hooked"]
