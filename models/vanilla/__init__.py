"""A transformer of chosen parts: what small models of research are made of and no transformers class holds."""
