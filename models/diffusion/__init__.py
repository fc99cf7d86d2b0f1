"""Diffusion: a transformer that predicts the noise in an image, and the steps from noise to an image."""
