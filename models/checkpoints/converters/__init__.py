"""Converters: checkpoints in the layouts of others' code, taken for a model that transformers knows. No code of a file
runs."""
