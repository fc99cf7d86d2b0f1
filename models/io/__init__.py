"""Io: what comes from elsewhere, read behind one wall, and files that are there whole or not at all."""
