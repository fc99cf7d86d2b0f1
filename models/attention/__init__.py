"""Attention variants and the functional form that runs any of them on anybody's tensors."""

from headscope.models.attention.attend import attend
from headscope.models.attention.run import Attention
from headscope.models.attention.table import VARIANTS, variant_named
from headscope.models.attention.variant import Variant

__all__ = ["VARIANTS", "Attention", "Variant", "attend", "variant_named"]
