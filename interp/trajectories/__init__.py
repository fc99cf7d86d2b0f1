"""Trajectories: how a number changes over the snapshots of training runs."""
