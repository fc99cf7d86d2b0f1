"""Results: typed records of numbers that say what they are, stand beside their nulls, and show and store themselves."""
