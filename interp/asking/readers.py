"""Readers: which analyses read which of the choices that only some of them do."""

PATCHING = ("activation_patching", "attribution_patching", "path_patching")
# Choice -> the analyses that read it.
READERS = {
    "corrupt": PATCHING,
    "target": PATCHING,
    "distractor": PATCHING,
    "embedding": ("copying", "diagonal_ranks", "trajectory"),
    "distance": ("composition", "qk_spectrum"),
}
