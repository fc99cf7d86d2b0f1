"""Parts of a page that draw themselves: one file each, with its script and style beside it."""
