"""Serving: models opened once, results kept, files taken in, refusals said."""
