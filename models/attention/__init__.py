"""Attention variants and the functional form that runs any of them on anybody's tensors."""

from models.attention.attend import attend
from models.attention.run import Attention
from models.attention.table import VARIANTS, variant_named
from models.attention.variant import Variant

__all__ = ["VARIANTS", "Attention", "Variant", "attend", "variant_named"]
