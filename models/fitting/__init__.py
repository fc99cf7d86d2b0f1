"""Fitting: the training of any model on any objective, in a folder that holds its state."""
