"""Text: documents as tokens in windows, and the loss on them."""
