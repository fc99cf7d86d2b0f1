"""Signed code: weights as small integers that keep fine steps near zero; the page's scripts read them back."""

import numpy as np
from jaxtyping import Bool, Float, Int


def signed_code(
    weights: Float[np.ndarray, "*cells"],
    visible: Bool[np.ndarray, "*#cells"],
    peak: float | Float[np.ndarray, "*#cells"],
    dtype: type[np.signedinteger],
) -> Int[np.ndarray, "*cells"]:
    """±round(√(abs(a)/peak)·top), top the dtype's largest number: 0 of a weight of 0 alone, else 1 at least.

    Masked cells are the dtype's smallest number; what is no number is 0.
    """
    limits = np.iinfo(dtype)
    share = np.minimum(np.abs(weights) / np.where(peak, peak, 1.0), 1.0)
    code = np.copysign(np.rint(np.sqrt(share) * limits.max).clip(1), weights)
    code = np.where((weights == 0) | np.isnan(weights), 0, code)
    return np.where(visible, code, limits.min).astype(dtype)
