"""The whole meaning of flashcopy, in two images.

IMG-1: there is a source image and a target image, each a sequence of blocks. A write changes its
own image. Start and sync make the target image the source image. IMG-2: nothing else changes
anything. Copy on write, background copy, bitmaps and grains do not exist at this height.

"The target reads as the source did at the last start or sync, plus what was written to the
target since" is not checked against this machine, it *is* this machine. Everything else in the
project refines it, and everything that is checked is in the end checked against it.
"""

from enum import Enum
from typing import Any

from attrs import evolve, frozen


class Volume(Enum):
    """The two volumes of a flashcopy relationship."""

    SOURCE = "source"
    TARGET = "target"


@frozen
class Images:
    """What a reader of each volume sees.

    Each side is a tuple of blocks, or any one value that stands for them (the proofs use a
    term of arbitrary data for one block of one grain).
    """

    source: Any
    target: Any


def read(images: Images, volume: Volume) -> Any:
    """The whole image of a volume."""
    return images.source if volume is Volume.SOURCE else images.target


def write(images: Images, volume: Volume, image: Any) -> Images:
    """The volume's image becomes `image`; the other one stays."""
    if volume is Volume.SOURCE:
        return evolve(images, source=image)
    return evolve(images, target=image)


def move_point_in_time(images: Images) -> Images:
    """Start and sync: from this instant the target is what the source is."""
    return evolve(images, target=images.source)
