"""Reading: what is read of a model and of prompts before anything is analysed."""
