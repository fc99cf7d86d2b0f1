"""Attention without its pattern: the same output and gradients, in memory that grows with the sequence."""
