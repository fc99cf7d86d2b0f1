"""Effective patterns: how much of each token's value a layer's output takes, whatever mixes the tokens."""
