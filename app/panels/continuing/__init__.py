"""The panel in which the model continues the prompt, with and without edits."""
