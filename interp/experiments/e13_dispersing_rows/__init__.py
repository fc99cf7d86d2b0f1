"""E13: whether rows of bounded scores disperse, and what cancels instead."""
