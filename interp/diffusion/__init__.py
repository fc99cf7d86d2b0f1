"""Diffusion models: how good their images are, and what their attention and residuals do on the way."""
