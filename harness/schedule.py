"""Every choice of an interleaved run, drawn one by one.

`draw(n)` gives a number from 0 to n-1; who draws is not this file's business. Hypothesis draws
so as to shrink, a seeded random generator so as to be fast, and both then walk the same paths.
Wherever there is a simplest choice it is number 0.

The choices are not uniform but bent towards what goes wrong: a few *hot* grains that everything
hits, several requests in flight, one that runs to its end while others stand in its middle,
power failures that lose the writes of one device and keep another's, devices that are sick for
a while. No run has a bit of everything: each draws its own menu, how often the power fails and
how often a sick device does. And a power failure that would do harm is not left to luck: after
every step that changes what a crash may leave, all crashes are looked at (`crashes`).
"""

from collections.abc import Callable

from attrs import define, field

from flashcopy.harness import coverage, crashes
from flashcopy.harness.trial import Trial
from flashcopy.impl.effect import (
    MAP,
    SOURCE,
    TARGET,
    Commit,
    Device,
    Flush,
    Prepare,
    Save,
)
from flashcopy.impl.effect import Write as EffectWrite
from flashcopy.model.geometry import Geometry, blocks_of_grain
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.operation import (
    BackgroundCopy,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.operation import Flush as FlushOperation
from flashcopy.model.trace import Fault, Initial, Trace

Draw = Callable[[int], int]

BLOCK = 512
MOST_IN_FLIGHT = 4
USUAL_ACTIONS, MOST_ACTIONS = 40, 80
# Blocks a grain, grains, and how many blocks the last grain lacks. Grains 63 and 64 lie in two
# words of the map; they take ten times as long as the others, and most faults show on the small.
SHAPES = (
    (1, 1, 0),
    (1, 2, 0),
    (2, 2, 1),
    (1, 3, 0),
    (2, 1, 0),
    (2, 3, 0),
    (4, 3, 3),
    (1, 6, 0),
    (2, 2, 0),
    (4, 2, 2),
    (1, 12, 0),
    (1, 4, 0),
    (1, 2, 0),
    (1, 66, 0),
    (2, 65, 1),
)
# What is asked for, as often as it stands here. A run has one menu: a run that asks for everything
# finds less than runs that ask for much of one thing.
_EVERYTHING = (
    *["write source"] * 5,
    *["write target", "read target", "copy"] * 3,
    *["flush source", "flush target", "read source", "zero source", "zero target"],
    *["point"] * 3,
    "any",
)
_MENUS = (
    _EVERYTHING,
    (*_EVERYTHING, "any", "any", "copy", "copy"),
    ("write source", "write target", "copy", "copy", "flush source", "read target", "point"),
    ("point", "point", "point", "any", "write source", "write source", "write target", "copy"),
)
# No request lives longer: longer is a livelock.
LONGEST_DRAIN = 5000
# Effects that nearly every request has.
_COMMON = ("AcquireCopier", "AcquireGrains", "Read", "Uncopied", "Unsettled", "NextUncopied")
# Before effects of which kinds requests stand still in a run, as if those were slow; or nowhere.
_PLACES = ("", "", "", "", *coverage.EFFECTS)
# After effects of which kind the power may fail at once; one that is drawn, or right now.
_MOMENTS = ("", "", *(name for name in coverage.EFFECTS if name not in _COMMON))
# Effects after which a crash may leave something else than before.
_CHANGING = (EffectWrite, Flush, Save, Prepare, Commit)


def draw_head(draw: Draw, settings: dict[str, str]) -> Trace:
    """Sizes, options and the state to start in; every block of both volumes differs at first."""
    grain_blocks, grains, short = SHAPES[draw(len(SHAPES))]
    blocks = grain_blocks * grains - short
    geometry = Geometry(blocks * BLOCK, BLOCK, grain_blocks * BLOCK)
    settings = dict(settings)
    if draw(2):
        settings["keep_target"] = "yes"
    return Trace(
        geometry,
        entries=(),
        target_writable=draw(8) != 7,
        initial=_draw_initial(draw, geometry),
        origin="interleaved",
        settings=settings,
    )


def _draw_initial(draw: Draw, geometry: Geometry) -> Initial:
    state = (State.COPYING, State.IDLE, State.COPIED, State.STOPPED)[draw(10) % 7 % 4]
    usual = draw(3)
    hot = _hot_grains(geometry)
    grains = []
    for at in range(geometry.grains):
        kind = draw(3) if at in hot else usual
        blocks = blocks_of_grain(geometry, at)
        source = tuple(1 + block for block in blocks)
        target = tuple(1 + geometry.blocks + block for block in blocks)
        if not is_tracking(state) or kind == 2:
            grains.append(Grain(source, target, copied=True, modified=True))
        elif kind == 1 or state is State.COPIED:
            grains.append(Grain(source, source, copied=True, modified=False))
        else:
            grains.append(Grain(source, target, copied=False, modified=False))
    if state is State.COPYING and all(grain.copied for grain in grains):
        state = State.COPIED
    return Initial(state, tuple(grains), cursor=0 if is_tracking(state) else geometry.grains)


def _hot_grains(geometry: Geometry) -> tuple[int, ...]:
    """The first grains, the last one, and those at the edge of a word of the map."""
    last = geometry.grains - 1
    return tuple(sorted({g for g in (0, 1, 2, 3, 4, 63, 64, last) if g <= last}))


@define
class Driver:
    """Drives one trial by drawn choices. `sick` is a device that fails now and then."""

    draw: Draw
    trial: Trial
    content: int
    sick: Device | None = None
    _hot: tuple[int, ...] = field(init=False)
    _menu: tuple[str, ...] = field(init=False)
    _crashes: int = field(init=False)
    _health: int = field(init=False)
    _places: tuple[str, ...] = field(init=False)
    _crash_after: str = field(init=False, default="")

    def __attrs_post_init__(self) -> None:
        self._hot = _hot_grains(self.trial.head.geometry)
        self._menu = _MENUS[self.draw(len(_MENUS))]
        self._crashes = (1, 3, 6, 8)[self.draw(4)]
        self.sick = (None, None, None, MAP, TARGET)[self.draw(5)]
        self._health = (4, 4, 12)[self.draw(3)]
        self._places = tuple(_PLACES[self.draw(len(_PLACES))] for _ in range(2))

    def run(self) -> None:
        """Actions until one draw in many says stop; then all is brought to rest and compared.

        Each action asks anew whether there is one, so that a shrinker can take any of them out.
        """
        for _ in range(MOST_ACTIONS):
            if self.draw(USUAL_ACTIONS) == 0:
                break
            kind = self.draw(32)
            if kind < 16 and self.trial.simulation.runnable():
                self._step_some()
            elif kind > 31 - self._crashes:
                self._crash_after = _MOMENTS[self.draw(len(_MOMENTS))]
                if not self._crash_after:
                    self._crash()
            elif kind == 16:
                self.sick = (None, MAP, TARGET, MAP, SOURCE)[self.draw(5)]
            elif len(self.trial.in_flight) < MOST_IN_FLIGHT:
                self.trial.submit(self._draw_operation())
            else:
                self._step_some()
        self._finish()

    def _step_some(self) -> None:
        """One of the requests in flight goes one, two or three effects on, or as far as it can."""
        runnable = self.trial.simulation.runnable()
        if any(self._places) and self.draw(4) != 3:
            runnable = [n for n in runnable if not self._stands(n)] or runnable
        number = runnable[self.draw(len(runnable))]
        count = (1, 2, 3, 1, 1000)[self.draw(5)]
        for _ in range(count):
            if not self._goes_on(number):
                return
            if self._stands(number):
                if self.draw(12) == 11:
                    self._crash()
                return

    def _stands(self, number: int) -> bool:
        flight = self.trial.simulation.flights[number]
        return not flight.done and type(flight.effect).__name__ in self._places

    def _goes_on(self, number: int) -> bool:
        """A request carries out an effect. Gives whether it can go on."""
        flights = self.trial.simulation.flights
        effect = flights[number].effect
        self.trial.step(number, self._draw_fault(number))
        flight = flights.get(number)
        if isinstance(effect, _CHANGING) and (flight is None or not flight.done):
            kept = crashes.harmful(self.trial)
            if kept is not None:
                self._crash_keeping(tuple(sorted(kept)))
                return False
        if type(effect).__name__ == self._crash_after:
            self._crash()
            return False
        return flight is not None and not flight.waiting

    def _draw_fault(self, number: int) -> Fault:
        """A sick device fails some of what it is asked, before or after doing it."""
        if self.sick is None:
            return Fault.NONE
        effect = self.trial.simulation.flights[number].effect
        if type(effect).__name__ not in coverage.FALLIBLE:
            return Fault.NONE
        devices = effect.devices if isinstance(effect, Flush) else (getattr(effect, "device", MAP),)
        if self.sick not in devices:
            return Fault.NONE
        return {1: Fault.LOST, 3: Fault.LANDED}.get(self.draw(self._health), Fault.NONE)

    def _crash(self) -> None:
        self._crash_keeping(self._draw_survivors())

    def _crash_keeping(self, survivors: tuple[int, ...]) -> None:
        self._crash_after = ""
        self.trial.crash(survivors)
        self.trial.reopen()
        self.trial.check_at_rest()
        self.sick = None

    def _draw_survivors(self) -> tuple[int, ...]:
        """Which unflushed writes survive: those of some devices, but for a few of all."""
        devices = self.trial.simulation.devices
        kept_devices = self.draw(8)
        pending: list[int] = []
        kept: set[int] = set()
        for bit, device in enumerate((SOURCE, TARGET, MAP)):
            serials = [write.serial for write in devices[device].disk.pending]
            pending += serials
            if kept_devices >> bit & 1:
                kept.update(serials)
        if pending:
            for _ in range(self.draw(4)):
                kept ^= {pending[-1 - self.draw(min(4, len(pending)))]}
        return tuple(sorted(kept))

    def _draw_operation(self) -> Operation:
        kind = self._menu[self.draw(len(self._menu))]
        volume = Volume.TARGET if kind.endswith("target") else Volume.SOURCE
        match kind.split()[0]:
            case "write":
                self.content += 1
                return Write(volume, *self._draw_extent(), self.content)
            case "zero":
                return WriteZeroes(volume, *self._draw_extent())
            case "read":
                return Read(volume, *self._draw_extent())
            case "flush":
                return FlushOperation(volume)
            case "copy":
                return BackgroundCopy((1, 2, None)[self.draw(3)])
            case "point":
                return Sync() if is_tracking(self.trial.state) else Start()
            case "any":
                return (Start(), Stop(), Sync())[self.draw(3)]
            case other:
                raise ValueError(f"nothing is called {other}")

    def _draw_extent(self) -> tuple[int, int]:
        """Offset and length in bytes: one grain or a part of it, or several from there on."""
        geometry = self.trial.head.geometry
        blocks = blocks_of_grain(geometry, self._hot[self.draw(len(self._hot))])
        first = blocks.start + self.draw(len(blocks))
        length = 1 + self.draw(min(2 * geometry.grain_blocks + 1, geometry.blocks - first))
        if self.draw(64) == 63:
            length = 0
        return first * BLOCK, length * BLOCK

    def _finish(self) -> None:
        """Drain; perhaps copy, perhaps lose power; then sync, copy and compare everything."""
        trial = self.trial
        self._drain()
        self.sick, self._crash_after = None, ""
        trial.check_at_rest()
        if self.draw(2):
            self._copy_all()
        if self.draw(2) or any(device.in_doubt for device in trial.simulation.devices.values()):
            self._crash()
        size = trial.head.geometry.size
        self._complete(Read(Volume.SOURCE, 0, size))
        self._complete(Read(Volume.TARGET, 0, size))
        self._complete(Sync() if is_tracking(trial.state) else Start())
        if self.draw(2):
            self._crash()
        self._complete(Read(Volume.TARGET, 0, size))
        self._copy_all()
        if trial.state is not State.COPIED:
            raise trial.complaint("COPY-5", f"all was copied, and the state is {trial.state.value}")
        trial.check_at_rest()

    def _copy_all(self) -> None:
        while self.trial.state is State.COPYING:
            self._complete(BackgroundCopy(None))

    def _complete(self, operation: Operation) -> None:
        self.trial.submit(operation)
        self._drain()

    def _drain(self) -> None:
        """Every request in flight comes to its end."""
        limit = self.trial.steps + LONGEST_DRAIN
        while runnable := self.trial.simulation.runnable():
            number = runnable[self.draw(len(runnable)) if len(runnable) > 1 else 0]
            while self.trial.steps < limit:
                if not self._goes_on(number):
                    break
            else:
                raise self.trial.complaint("CONC-4", "a request goes on and never ends")
