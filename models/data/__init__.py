"""Data: what models are trained and asked on; each gives an objective or the tokens of one."""
