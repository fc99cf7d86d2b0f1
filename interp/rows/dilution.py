"""Dilution: how fast the largest share of a row falls as more keys come into view."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def dilution_slope(
    max_share: Float[Tensor, "*head query"], visible_keys: Int[Tensor, "*#head query"]
) -> Float[Tensor, "*head"]:
    """d ln max b / d ln n: the least-squares slope over the rows (or lengths) that see n ≥ 2 keys.

    0 for rows as sharp at any length, −1 for equal weights; NaN where all rows see equally many keys. Rows of zeros
    have no share and are left out.
    """
    counted = (visible_keys >= 2) & (max_share > 0)
    differ = visible_keys.amin(-1) < visible_keys.amax(-1)  # else rounding alone would make a slope
    x = visible_keys.to(max_share.dtype).log().expand_as(max_share).where(counted, torch.nan)
    y = max_share.log().where(counted, torch.nan)
    centred = x - x.nanmean(-1, keepdim=True)
    slope = (centred * (y - y.nanmean(-1, keepdim=True))).nansum(-1) / centred.square().nansum(-1)
    return slope.where(differ, torch.nan)
