"""Heads: the patterns of a run's heads, made small, and which of them are alike."""
