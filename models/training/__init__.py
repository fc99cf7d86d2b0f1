"""Training: a recipe in, a run folder of snapshots, history and a finished model out."""
