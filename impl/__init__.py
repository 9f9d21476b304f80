"""One way to build it: incremental flashcopy on real files.

Read in this order: `protocol` (copy on write, fake read, background copy, start and sync, each
a short generator of `effect`s), `memory` and `bitmap` (the bits), `mapfile` (the bits on disk),
`locks`. None of these does any I/O. `files`, `engine` and `flashcopy` do, with threads.

Nothing here imports the model: an oracle that shares code with what it judges is none.
"""

from flashcopy.impl.effect import State
from flashcopy.impl.errors import FlashCopyError
from flashcopy.impl.flashcopy import Bitmaps, FlashCopy, Flushes, Status

__all__ = ["Bitmaps", "FlashCopy", "FlashCopyError", "Flushes", "State", "Status"]
