"""What config.json says of a model: its sizes, its classes, its positions, and the spec of its attention."""
