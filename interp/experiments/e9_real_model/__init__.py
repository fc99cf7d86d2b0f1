"""E9: what the heads of a language model that people use do, and what changes it."""
