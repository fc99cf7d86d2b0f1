"""Models whose attention goes beyond softmax: variants, attachment to Hugging Face decoders, hooks, checkpoints."""
