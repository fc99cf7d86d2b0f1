"""Query–key geometry: angles between queries and keys, joint embeddings of both, and learned temperatures."""
