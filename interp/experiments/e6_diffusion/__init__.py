"""E6: what attention subtracts from noise in a diffusion model."""
