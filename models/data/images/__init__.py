"""Images: the handwritten digits that come with scikit-learn, pictures from files, and noise that hides them."""
