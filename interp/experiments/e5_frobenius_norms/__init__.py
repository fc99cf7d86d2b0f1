"""E5: whether softmax works by its bounded norm."""
