"""Vision: the handwritten digits that come with scikit-learn, and small vision transformers that read them."""
