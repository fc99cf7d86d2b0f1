"""E8: a ledger of the mechanisms: every attention at equal size, its loss, its cost, and what its heads do."""
