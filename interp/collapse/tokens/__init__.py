"""The tokens of one prompt: which of them others rest on, what is left of their differences, how far a change goes."""
