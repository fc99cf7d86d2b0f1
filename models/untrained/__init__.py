"""Untrained: the small models of this project before their first step of training."""
