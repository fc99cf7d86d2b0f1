"""Images: the handwritten digits of scikit-learn, pictures from files, and noise that hides them."""
