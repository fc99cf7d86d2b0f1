"""U-ViT: a transformer that predicts the noise in an image."""
