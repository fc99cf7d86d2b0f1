"""The panel of a head across a corpus."""
