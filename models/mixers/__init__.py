"""Mixers: layers that mix tokens by a linear recurrence instead of attention, and what each of them was given."""
