"""Weights: the matrices of heads, read from a hooked model and held against what it does."""
