"""The seam: where a transformers model hands queries, keys and values to an attention function, whatever its family."""
