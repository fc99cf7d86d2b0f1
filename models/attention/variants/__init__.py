"""The variants, one file each: kernel, gradient, learned parts, laws."""
