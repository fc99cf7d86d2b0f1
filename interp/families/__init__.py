"""Families: which language models of transformers take a variant and hooks, as tiny random ones were seen to."""
