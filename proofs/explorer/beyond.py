"""Mutants that no scope of the explorer can tell from the shipped protocol, and why.

`manifest.json` has those that are convicted, with the scope and the length of the shortest way.
"""

BEYOND = {
    "merge-first-word-only": (
        "needs two words of the map, 65 grains; the explorer takes 8, the proofs any number"
    ),
    "map-truncated": (
        "needs two words of the map, 65 grains; the explorer takes 8; mapfile.flip proves it wrong"
    ),
    "zeroes-not-copied": (
        "looks at the data that it copies; to the explorer data is opaque, so that one content"
        " stands for all"
    ),
    "merge-up-to-zero-byte": (
        "needs eight unmodified grains before a modified one; the explorer takes 8 in all"
    ),
}
