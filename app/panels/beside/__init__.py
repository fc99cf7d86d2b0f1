"""What stands beside the open model: others, and itself without a mechanism."""
