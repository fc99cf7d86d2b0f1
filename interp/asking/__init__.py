"""Asking: which analyses there are, which of them fit a model and a prompt, what they cost, and what they found."""
