"""Figures of what the tokens of one prompt do to each other."""
