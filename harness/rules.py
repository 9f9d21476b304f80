"""The four ordering rules, watched: which one a run broke first, and where.

The oracle convicts by what a crash or a read shows; this monitor explains why it came to that,
by looking at the simulated disks whenever an effect is about to happen: would every crash at
this moment leave what the rule asks for? It convicts nobody of what a crash cannot show.
"""

from attrs import define, field

from flashcopy.harness import mapdisk
from flashcopy.harness.requests import Ask
from flashcopy.harness.simulation import Flight, Simulation
from flashcopy.impl import mapfile
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    Commit,
    Effect,
    MarkCopied,
    MarkDiverged,
    Prepare,
    Runs,
    Standing,
    Unsettled,
    Write,
)
from flashcopy.impl.errors import DeviceError
from flashcopy.impl.mapfile import Header
from flashcopy.model import disk as disks


@define
class RuleMonitor:
    """The first rule broken in a run, as a clause and an explanation; None while there is none."""

    simulation: Simulation
    broken: tuple[str, str] | None = None
    # Requests and the grains whose preparation each of them skips.
    _skipping: set[tuple[int, int]] = field(factory=set)
    _serial: int = 0

    def before(self, flight: Flight, asked: Ask, effect: Effect) -> None:
        """A request is about to carry out an effect."""
        if self.broken or flight.done:
            return
        self._serial = self.simulation.serial
        if isinstance(effect, Write):
            if asked.writes(effect):
                self._host_write(flight, effect)
        elif isinstance(effect, MarkDiverged):
            self._mark(flight, "ORDER-1", effect.runs)
        elif isinstance(effect, MarkCopied):
            self._mark(flight, "ORDER-2", effect.runs)

    def after(self, flight: Flight, effect: Effect, result: object) -> None:
        """A request has carried it out."""
        if isinstance(effect, Unsettled) and isinstance(result, tuple):
            prepared = {grain for run in result for grain in run}
            self._skipping |= {(flight.number, g) for g in effect.grains if g not in prepared}
        elif self.broken or isinstance(result, DeviceError):
            return
        elif isinstance(effect, Prepare):
            self._prepared(flight)
        elif isinstance(effect, Commit) and effect.standing is Standing.TRACKING:
            self._committed(flight)

    def _host_write(self, flight: Flight, effect: Write) -> None:
        for grain in self.simulation.geometry.grains_of(effect.blocks):
            lacking = self._lacks(grain)
            if lacking is None:
                continue
            skipped = (flight.number, grain) in self._skipping
            rule = "ORDER-3" if skipped else "ORDER-1"
            why = "skipped the preparation of" if skipped else "changes"
            self._found(
                rule,
                f"request {flight.number} {why} grain {grain} while a crash"
                f" could still leave it not {lacking}",
            )
            return

    def _mark(self, flight: Flight, rule: str, runs: Runs) -> None:
        """The data comes before the bit that vouches for it."""
        geometry, copied = self.simulation.geometry, self.simulation.memory.copied
        source, target = (self.simulation.devices[device].disk for device in (SOURCE, TARGET))
        for grain in (g for run in runs for g in run if not copied[g]):
            for block in geometry.blocks_of(range(grain, grain + 1)):
                if target.durable[block] != disks.read(source, block):
                    self._found(
                        rule,
                        f"request {flight.number} marks grain {grain} copied while the target's"
                        " data of it is not durable",
                    )
                    return

    def _prepared(self, flight: Flight) -> None:
        disk = self.simulation.devices[MAP].disk
        written = {write.number for write in disk.pending if write.serial >= self._serial}
        for header in self._headers():
            words = mapdisk.words_of_area(self.simulation.geometry, header.area)
            if header.standing is Standing.TRACKING and not written.isdisjoint(words):
                self._found(
                    "ORDER-4",
                    f"request {flight.number} writes new maps to area {header.area}, which the"
                    " header on the disk may still name",
                )
                return

    def _committed(self, flight: Flight) -> None:
        area = self.simulation.mapfile.header.area
        words = mapdisk.words_of_area(self.simulation.geometry, area)
        disk = self.simulation.devices[MAP].disk
        if any(write.number in words for write in disk.pending):
            self._found(
                "ORDER-4",
                f"request {flight.number} commits the header while the maps of area {area},"
                " which it names, are not durable",
            )
        elif self.simulation.devices[SOURCE].disk.pending:
            self._found(
                "ORDER-4",
                f"request {flight.number} commits the header while the source is not durable",
            )

    def _headers(self) -> list[Header]:
        """Every header that a crash now may leave."""
        disk = self.simulation.devices[MAP].disk
        pending = [write.block for write in disk.pending if write.number == mapdisk.HEADER]
        return [
            mapfile.decode_first_page(mapdisk.first_page((header, disk.durable[1])))[1]
            for header in (disk.durable[mapdisk.HEADER], *pending)
        ]

    def _lacks(self, grain: int) -> str | None:
        """What a crash now may leave the grain without, copied or modified; None if neither."""
        disk = self.simulation.devices[MAP].disk
        for header in self._headers():
            if header.standing is not Standing.TRACKING:
                continue
            for which, name in enumerate(("copied", "modified")):
                number = mapdisk.word_of(self.simulation.geometry, header.area, which, grain)
                pending = [write.block for write in disk.pending if write.number == number]
                for word in (disk.durable[number], *pending):
                    if not mapdisk.has_bit(word, grain):
                        return name
        return None

    def _found(self, rule: str, explanation: str) -> None:
        if self.broken is None:
            self.broken = (rule, explanation)
