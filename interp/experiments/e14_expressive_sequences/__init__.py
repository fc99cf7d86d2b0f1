"""E14: whether expressive attention solves harder sequences in the set-up of its paper."""
