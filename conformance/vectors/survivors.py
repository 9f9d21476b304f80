"""What each block of both volumes may hold, across kills.

Until something is killed that is one content, the newest. After a kill no more is relied on than
after a loss of power: of a source block the last content that was flushed, or any later one; of a
target block what the source held at the point in time, and what was written to it since. A vector
cannot ask which it is and go on from there, so what may be stays so until the block is written
again or the point in time moves.
"""

from attrs import define, field

from flashcopy.model.images import Volume
from flashcopy.model.volume import ZERO

SOURCE, TARGET = Volume.SOURCE, Volume.TARGET


@define
class Survivors:
    """For each volume and block the contents that may be there. The newest come last.

    `sure` is how many of them, from the end, it may be if nothing is killed: one, unless a kill
    has made it unsure before.
    """

    blocks: int
    _may: dict[Volume, list[list[int]]] = field(init=False)
    _sure: dict[Volume, list[int]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._may = {volume: [[ZERO] for _ in range(self.blocks)] for volume in Volume}
        self._sure = {volume: [1] * self.blocks for volume in Volume}

    def now(self, volume: Volume, block: int) -> tuple[int, ...]:
        """What the block may hold, the newest first."""
        return tuple(reversed(self._may[volume][block][-self._sure[volume][block] :]))

    def write(self, volume: Volume, blocks: range, content: int) -> None:
        """A write that nothing makes durable yet."""
        for block in blocks:
            self._may[volume][block].append(content)
            self._sure[volume][block] = 1

    def flush(self, volume: Volume) -> None:
        """FLUSH-1: what the volume holds now is durable."""
        for block, may in enumerate(self._may[volume]):
            del may[: -self._sure[volume][block]]

    def move_point_in_time(self) -> None:
        """START-1, SYNC-1; CRASH-1: what came before on the source is durable with it."""
        self.flush(SOURCE)
        self._may[TARGET] = [list(may) for may in self._may[SOURCE]]
        self._sure[TARGET] = list(self._sure[SOURCE])

    def settle(self) -> None:
        """A clean end: all that the volumes hold is durable."""
        for volume in Volume:
            self.flush(volume)

    def kill(self) -> None:
        """CRASH-1, CRASH-2: of what was not flushed, anything may be there."""
        for volume in Volume:
            self._sure[volume] = [len(may) for may in self._may[volume]]
