"""The command `headscope sweep`."""
