"""Flashcopies that copy by themselves: one that is right, and one that hosts can keep from it.

A zoo member has one thread, so its copier takes a turn with each request.
"""

from typing import ClassVar

from flashcopy.conformance.zoo.right import Outcome, Right


class CopiesByItself(Right):
    """Right, and nobody has to tell it to copy: it copies a grain with each request."""

    lacks: ClassVar[tuple[str, ...]] = ("background_copy",)

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        result = super().write(volume, offset, data)
        self.background_copy(1)
        return result

    def status(self) -> Outcome:
        self.background_copy(1)
        return super().status()


class CopierStarves(CopiesByItself):
    """Its copier waits until no host has written for a while: under load it never ends."""

    fault = "starve"

    waits = 0

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        self.waits = 3
        return Right.write(self, volume, offset, data)

    def status(self) -> Outcome:
        if self.waits:
            self.waits -= 1
            return Right.status(self)
        return super().status()
