"""Heads across a corpus: the passages of texts in which a head does most of something."""
