"""What is computed while pages go on."""
