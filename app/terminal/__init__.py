"""Terminal: the headscope command and what it prints."""
