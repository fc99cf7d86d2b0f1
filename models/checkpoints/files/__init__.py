"""Files: what stands in a model folder, read and checked before it becomes a model."""
