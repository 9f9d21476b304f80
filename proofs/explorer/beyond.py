"""Mutants that no scope of the explorer can tell from the shipped protocol, and why.

Every other one is in `manifest.json`, with the scope that convicts it and the length of the
shortest way there; a test holds the two lists together.
"""

BEYOND = {
    "merge-first-word-only": (
        "needs two words of the map, 65 grains; the explorer takes 8, the proofs any number"
    ),
    "merge-up-to-zero-byte": (
        "needs eight unmodified grains before a modified one; the explorer takes 8 in all"
    ),
}
