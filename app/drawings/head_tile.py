"""Head tile: a window of a pattern as the browser takes it, exact where it is small, else in eight bits a block."""

from math import isqrt

import numpy as np
from jaxtyping import Bool, Float

from headscope.app.drawings.signed_code import signed_code
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_tile import Window, pattern_tile

MOST_EXACT = 256  # rows of a window of which every weight is sent
MOST_CELLS = 200_000  # of a window that is larger, a byte each
Arrays = dict[str, np.ndarray]


def whole(run: AttentionRun) -> Window:
    """All queries and keys."""
    return Window(0, 0, len(run.tokens))


def is_exact(window: Window) -> bool:
    """Whether every weight of it is sent as it is."""
    return window.size <= MOST_EXACT


def head_tile(run: AttentionRun, layer: int, head: int, window: Window) -> tuple[dict[str, int], Arrays]:
    """What the browser is told of a window, and its weights, or codes of weights, up to the last visible of each row.

    One int8 a cell: see signed_code; its peak is the head's. Blocks above a diagonal that no query sees are left out.
    """
    most = window.size if is_exact(window) else most_cells_wide(run, layer, window)
    tile = pattern_tile(run, layer, head, window, most)
    weights, visible = tile.weights.numpy(), tile.visible.numpy()
    reach = np.where(visible.any(1), visible.shape[1] - visible[:, ::-1].argmax(1), 0)
    is_sent = np.arange(visible.shape[1]) < reach[:, None]
    place = {"top": window.top, "left": window.left, "size": window.size, "side": len(visible)}
    if is_exact(window):
        return place, {"reach": reach.astype(np.uint16), "weights": shown_weights(weights, visible)[is_sent]}
    codes = signed_code(weights, visible, float(run.summary.peaks[layer, head]), np.int8)
    return place, {"reach": reach.astype(np.uint16), "codes": codes[is_sent]}


def most_cells_wide(run: AttentionRun, layer: int, window: Window) -> int:
    """How wide a tile of MOST_CELLS is: half of one on the diagonal is never seen by tokens in their order."""
    attention = run.layers[layer]
    is_half = window.top == window.left and attention is not None and attention.sees_whole_past
    return isqrt(2 * MOST_CELLS if is_half else MOST_CELLS)


def shown_weights(weights: Float[np.ndarray, "*cells"], visible: Bool[np.ndarray, "*cells"]) -> np.ndarray:
    """float32, NaN where a cell is masked, infinity where the weight is no number."""
    finite = np.where(np.isfinite(weights), weights, np.inf)
    return np.where(visible, finite, np.nan).astype(np.float32)
