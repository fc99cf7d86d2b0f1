"""E11: whether temperatures of values remove noise."""
