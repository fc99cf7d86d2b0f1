"""Signed code: weights as small integers that keep fine steps near zero; the page's scripts read them back."""

import numpy as np
from jaxtyping import Bool, Float, Int


def signed_code(
    weights: Float[np.ndarray, "*cells"],
    visible: Bool[np.ndarray, "*#cells"],
    peak: float,
    dtype: type[np.signedinteger],
) -> Int[np.ndarray, "*cells"]:
    """round(sign(a)·√(abs(a)/peak)·top) with top the dtype's largest number; masked cells are its smallest one."""
    limits = np.iinfo(dtype)
    share = np.minimum(np.abs(weights) / (peak or 1.0), 1.0)
    code = np.rint(np.sign(weights) * np.sqrt(share) * limits.max)
    return np.where(visible, code, limits.min).astype(dtype)
