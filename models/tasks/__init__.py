"""Tasks with known laws: examples drawn by the million, what they ask, and small decoders that learn them."""
