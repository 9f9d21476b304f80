"""Members that pause within a request, where others may come in between.

No member itself: the background copy here goes from grain to grain, and what a wrong member does
with each of them in two steps is its own.
"""

from collections.abc import Generator

from flashcopy.conformance.zoo.right import Outcome, Result, Right

# A request that pauses, and a part of one.
Paused = Generator[None, None, Result]
Pauses = Generator[None, None, None]


class PausingCopier(Right):
    """A background copy that pauses within each grain."""

    def background_copy(self, grains: int | None) -> Outcome:
        if grains is not None and grains < 0:
            return super().background_copy(grains)
        return self.slowly(grains)

    def slowly(self, grains: int | None) -> Paused:
        """Grain after grain, those that are not copied when their turn comes."""
        done = 0
        for grain in range(self.grains):
            if self.copied[grain] or (grains is not None and done >= grains):
                continue
            yield from self.copy_in_two(grain)
            done += 1
        return {"copied": done}

    def copy_in_two(self, grain: int) -> Pauses:
        """Copy a grain, with a pause."""
        raise NotImplementedError
