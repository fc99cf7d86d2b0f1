"""E3: whether expressive attention solves harder sequences."""
