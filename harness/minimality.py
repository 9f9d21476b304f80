"""No more work than needed: what a sync uncopies, and how often a grain is copied.

A correct implementation may copy too much; this one may not. A sync leaves copied exactly the
grains that were copied and unmodified (MIN-1), and a grain is copied at most once per point in
time (MIN-2). What a crash has undone may be done again, and so may a copy that a device has failed,
by whoever made it; nobody else's failure excuses anything.
"""

from attrs import define, field

from flashcopy.harness.images_oracle import violation
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.impl.effect import TARGET, Adopt, Effect, Standing, Write


@define
class MinimalityMonitor:
    """Watches the copies of one simulation; `watching` is false where nobody asked for it."""

    simulation: Simulation
    watching: bool
    _copied: set[int] = field(factory=set)
    # The grains that each request in flight has begun to copy.
    _begun: dict[int, set[int]] = field(factory=dict)
    _may_stay: list[bool] = field(factory=list)

    def begin(self) -> None:
        """From here on, what is not copied may be copied once."""
        memory = self.simulation.memory
        self._begun.clear()
        self._copied = {grain for grain in range(memory.grains) if memory.copied[grain]}

    def failed(self, number: int) -> None:
        """A device has failed a request: what it has begun to copy and not marked is not copied."""
        copied = self.simulation.memory.copied
        self._copied -= {grain for grain in self._begun.get(number, ()) if not copied[grain]}

    def ended(self, number: int) -> None:
        """A request has ended; what it copied stays copied."""
        self._begun.pop(number, None)

    def before(self, flight: Flight, effect: Effect, *, is_host_write: bool) -> None:
        """A request is about to carry out an effect."""
        if not self.watching:
            return
        if isinstance(effect, Write) and effect.device is TARGET and not flight.done:
            if not is_host_write:
                self._copy(flight, effect.blocks)
        elif isinstance(effect, Adopt) and effect.standing is Standing.TRACKING:
            memory = self.simulation.memory
            clean = zip(memory.copied, memory.modified, strict=True)
            self._may_stay = [bool(c and not m) for c, m in clean]

    def after_point(self, *, is_sync: bool) -> None:
        """A start or sync has just taken effect in memory."""
        self.begin()
        if not self.watching or not is_sync:
            return
        grains = range(self.simulation.memory.grains)
        wasted = [g for g in grains if self._may_stay[g] and g not in self._copied]
        if wasted:
            raise violation(
                "MIN-1",
                f"sync makes grain {wasted[0]} look uncopied, though it was copied and nobody"
                " wrote to it",
            )

    def _copy(self, flight: Flight, blocks: range) -> None:
        for grain in self.simulation.geometry.grains_of(blocks):
            if grain in self._copied:
                raise violation(
                    "MIN-2",
                    f"request {flight.number} copies grain {grain}, which was copied before"
                    " at this point in time",
                )
            self._copied.add(grain)
            self._begun.setdefault(flight.number, set()).add(grain)
