"""E12: the theorems on the norms of polynomial attention, drawn at random."""
