"""Hooked models: attention variants behind transformer-lens's hook names."""

from models.hooked.bridge import HookedBridge
from models.hooked.build import hooked
from models.hooked.state_dict import hf_state_dict

__all__ = ["HookedBridge", "hf_state_dict", "hooked"]
