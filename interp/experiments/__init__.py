"""Experiments: what the papers claim, trained, measured and judged at a size that anyone can run."""
