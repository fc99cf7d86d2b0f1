"""Figures of experiments: their arms, points and claims."""
