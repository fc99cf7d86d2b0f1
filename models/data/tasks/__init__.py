"""Tasks: texts and sequences made by rule, so that what a model should answer is known."""
