"""Vision: figures of images and of the patches that heads read."""
