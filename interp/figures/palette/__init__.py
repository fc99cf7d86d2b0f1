"""Palette: the colours of signed numbers, and their legend."""
