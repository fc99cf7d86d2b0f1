"""Edit kinds: the changes of weights that a menu offers, as it calls them, and the value that a box holds at first."""

from headscope.models.io.fields import Fields

FIRST_VALUES = {"scale": 2.0, "set": 0.0}
LABELS = {
    "zero": "Zero",
    "flip": "Flip the sign",
    "scale": "Scale by",
    "set": "Set to",
    "keep_positive": "Keep positive",
    "keep_negative": "Keep negative",
    "absolute": "Take absolute values",
}
EDIT_KINDS: list[Fields] = [
    {"kind": kind, "label": label, "value": FIRST_VALUES.get(kind)} for kind, label in LABELS.items()
]
