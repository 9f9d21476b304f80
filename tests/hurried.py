"""A clock that runs fast once nothing is left to wait for but the end of a time limit.

So a limit can be long enough for the busiest machine, and a test need not wait for it.
"""

import time
from collections.abc import Callable

from attrs import define

# So many seconds pass each time somebody looks at the clock.
_LEAP = 1.0


@define
class HurriedClock:
    """Stands in for the module `time` in a module of the kit, from when `hurries` says so."""

    hurries: Callable[[], bool]
    _ahead: float = 0.0

    def monotonic(self) -> float:
        """Seconds, as `time.monotonic` gives them, or more."""
        if self.hurries():
            self._ahead += _LEAP
        return time.monotonic() + self._ahead
