"""E4: what learned temperatures do, and what a trained model gains by them."""
