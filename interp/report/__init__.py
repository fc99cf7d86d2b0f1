"""Report: findings as one HTML page that needs no network."""
