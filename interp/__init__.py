"""What is computed from a model: pure functions over typed arrays, results as frozen records, no user interface."""
