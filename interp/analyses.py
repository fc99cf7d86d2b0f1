"""The table of analyses that read one prompt or the weights alone; a new one is one row of its part's ROWS."""

from interp.analysis import Analysis

ANALYSES: dict[str, Analysis] = {}
