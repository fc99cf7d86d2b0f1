"""E2: whether growing prompts collapse."""
