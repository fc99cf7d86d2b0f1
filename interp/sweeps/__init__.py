"""Sweeps: analyses × checkpoints × sets of prompts, a unit each, measured once and kept."""
