"""Panels: what each page draws of the open model."""
