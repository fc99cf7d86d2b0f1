"""Drawing: what figures share, axes, canvas, menus and scales."""
