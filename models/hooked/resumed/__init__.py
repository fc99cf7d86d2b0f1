"""Passes that begin at a layer: which can, and how blocks are passed by."""
