"""Figures: a result in, a plotly figure out. Nothing is computed here but what is needed to draw."""
