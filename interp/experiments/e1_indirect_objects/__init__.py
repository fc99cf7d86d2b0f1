"""E1: who deletes names, the OV or the QK circuit."""
