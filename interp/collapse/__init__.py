"""Representational collapse: how distinct prompts become one vector, and on which paths tokens reach the last one."""
