"""What a model does when part of its attention is edited, patched or ablated: the analyses that run the model."""
