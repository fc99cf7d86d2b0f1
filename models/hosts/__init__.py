"""Hosts: the Hugging Face models that carry a variant, and the seam through which they call it."""
