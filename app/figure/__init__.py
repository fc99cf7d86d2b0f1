"""Figure: a result as its figure, table, meaning, code and downloads."""
