"""One grain: the machine that keeps the two images right while copying lazily.

A grain has a source side, a target side and two bits. The *copied* bit says where the target's
image of the grain lives: on the target side, or still on the source side (fake read). The
*modified* bit says that the two sides may differ. One line holds it all together:

    copied and not modified implies target = source

A write to either side copies first and sets modified, so modified implies copied as well, and a
sync can uncopy exactly the modified grains. A grain both copied and modified is *diverged*.

Values may be concrete or symbolic, see `choice`. Data is whatever the `change` passed to a
write can handle; the machine itself only moves and compares it.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from flashcopy.model.choice import Condition, both, choose, implies, negate

Data = Any
# What a write does to a side: the old data of the grain to the new. A write of a part of the
# grain keeps the rest, so the machine need not know which part.
Change = Callable[[Data], Data]


@frozen
class Grain:
    """One grain of both volumes. `copied` and `modified` are conditions, the sides are data."""

    source: Data
    target: Data
    copied: Condition
    modified: Condition


def idle_grain(source: Data, target: Data) -> Grain:
    """A grain of two independent volumes: copied and modified, for nothing ties the sides."""
    return Grain(source=source, target=target, copied=True, modified=True)


def invariant(grain: Grain) -> Condition:
    """INV-1 and INV-2: a clean copy equals its source, and only a copied grain is modified."""
    return both(clean_copy_is_equal(grain), modified_is_copied(grain))


def clean_copy_is_equal(grain: Grain) -> Condition:
    """INV-1: copied and not modified implies target = source."""
    clean = both(grain.copied, negate(grain.modified))
    return implies(clean, grain.target == grain.source)


def modified_is_copied(grain: Grain) -> Condition:
    """INV-2: modified implies copied, for a write copies first."""
    return implies(grain.modified, grain.copied)


def is_diverged(grain: Grain) -> Condition:
    """Copied and modified: a write to either side needs no further preparation."""
    return both(grain.copied, grain.modified)


def read_source(grain: Grain) -> Data:
    """READ-1: the source's image of the grain is its source side."""
    return grain.source


def read_target(grain: Grain) -> Data:
    """READ-2: the target's image is the target side if copied, else a fake read of the source."""
    return choose(grain.copied, grain.target, grain.source)


def copy(grain: Grain) -> Grain:
    """COPY-1, MIN-2: in the background or before a write, an uncopied grain is copied, once."""
    return Grain(
        source=grain.source,
        target=choose(grain.copied, grain.target, grain.source),
        copied=True,
        modified=grain.modified,
    )


def diverge(grain: Grain) -> Grain:
    """WRITE-1: before either side changes, the grain is copied and then marked modified."""
    copied = copy(grain)
    return Grain(copied.source, copied.target, copied.copied, modified=True)


def write_source(grain: Grain, change: Change) -> Grain:
    """WRITE-2: copy on write, then the source side changes."""
    diverged = diverge(grain)
    return Grain(change(diverged.source), diverged.target, diverged.copied, diverged.modified)


def write_target(grain: Grain, change: Change) -> Grain:
    """WRITE-3: copy first, so a partial write has the rest of the grain to stand in."""
    diverged = diverge(grain)
    return Grain(diverged.source, change(diverged.target), diverged.copied, diverged.modified)


def sync(grain: Grain) -> Grain:
    """SYNC-1, MIN-1: a modified grain looks uncopied again; an unmodified copy is still good."""
    unmodified = negate(grain.modified)
    return Grain(grain.source, grain.target, both(grain.copied, unmodified), modified=False)


def start(grain: Grain) -> Grain:
    """START-1: every grain looks uncopied, whatever it held."""
    return Grain(grain.source, grain.target, copied=False, modified=False)


def mark_modified(grain: Grain) -> Grain:
    """What tells start from sync: a start is a sync of grains that are all marked modified."""
    return Grain(grain.source, grain.target, grain.copied, modified=True)
