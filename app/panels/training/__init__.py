"""Training: a model through the snapshots of its run: numbers, losses, a step of it, a head at all of them."""
