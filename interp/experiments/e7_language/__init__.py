"""E7: whether each variant is as good a language model as softmax."""
