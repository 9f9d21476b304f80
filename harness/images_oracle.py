"""What is right, across crashes: the two images, and for every block what a crash may leave.

Knows nothing of grains, maps or protocols. It is told what takes effect and when: a block
written by a host, a flush answered, a point in time offered to the disk and then taken, a crash.
It keeps the two images of `model.images` block by block, and beside them what a crash now may
leave of each block: its last certain content, and whatever was written since (CRASH-1). While a
start or sync is under way a crash may leave either of two worlds, the one where it happened and
the one where it did not, but never a mixture (CRASH-3).

Every complaint names the clause, the block, what it holds, what it should hold, and where both
came from.
"""

from collections.abc import Iterable, Sequence

from attrs import define, field

from flashcopy.harness.result import Finding, ViolationError
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking


@define(eq=False)
class Record:
    """A content that was put in a block, by a write to which volume and when that was answered.

    `answered` counts answers; None while the request is in flight.
    """

    content: int
    answered: int | None = None
    written_to: Volume | None = None


# For each block, what a crash may leave of it, oldest first; the last one is what it holds now.
Histories = list[list[Record]]


@define
class World:
    """One way things may be after a crash: which standings are possible, and which contents.

    `name` says in words which world it is.
    """

    name: str
    standings: set[State]
    sides: dict[Volume, Histories]


# The clause broken, and how.
Complaint = tuple[str, str]


def standing(state: State) -> State:
    """The state as far as it is recorded: whether copying is complete follows from the grains."""
    return State.COPYING if is_tracking(state) else state


@define
class ImagesOracle:
    """The two images of one relationship, with what is known of their durability.

    `state` is the live state as far as it is recorded, so copying stands for copied too. `live`
    is the world that readers see now, `worlds` are those a crash now may lead to, `before`
    the one that the last answered start or sync ended. `answers` counts the answers given.
    """

    state: State
    worlds: list[World]
    live: World
    answers: int = 0
    before: World | None = None
    _written: set[tuple[Volume, int]] = field(factory=set)
    _origins: dict[int, str] = field(factory=dict)

    @classmethod
    def new(cls, state: State, source: Sequence[int], target: Sequence[int]) -> "ImagesOracle":
        """Images that have just been created or read: all of it certain."""
        world = _certain(state, source, target)
        origins = {
            content: f"in {volume.value} block {block} at first"
            for volume, side in ((Volume.TARGET, target), (Volume.SOURCE, source))
            for block, content in enumerate(side)
        }
        return cls(standing(state), [world], world, origins={**origins, 0: "zeros"})

    def begin_with_unflushed(
        self, state: State, source: Sequence[int], target: Sequence[int]
    ) -> None:
        """A crash at the start would leave this state and these images: the rest is in caches."""
        (world,) = self.worlds
        world.standings = {standing(state)}
        for volume, side in ((Volume.SOURCE, source), (Volume.TARGET, target)):
            for block, (content, history) in enumerate(zip(side, world.sides[volume], strict=True)):
                if content != history[-1].content:
                    history.insert(0, Record(content, 0))
                    self._origins.setdefault(content, f"durably in {volume.value} block {block}")
                    self._written.add((volume, block))

    def image(self, volume: Volume, block: int) -> int:
        """What a reader of the volume must see in a block at this moment."""
        return self.live.sides[volume][block][-1].content

    def explain(self, volume: Volume, block: int, seen: int) -> str:
        """What is wrong with a block that was read and did not hold what it should."""
        return self._wrong(volume, block, self.live.sides[volume][block][-1:], seen)

    def wrote(self, volume: Volume, block: int, content: int, request: int) -> Record:
        """A host's write has reached a block."""
        record = Record(content, None, volume)
        self._origins.setdefault(content, f"request {request} wrote it to the {volume.value}")
        for sides in self._sides():
            sides[volume][block].append(record)
        self._written.add((volume, block))
        return record

    def answered(self, records: Iterable[Record]) -> None:
        """A host's write was answered."""
        self.answers += 1
        for record in records:
            record.answered = self.answers

    def flushed(self, volume: Volume, since: int) -> None:
        """CRASH-1: a flush was answered that was asked for after `since` answers had been given."""
        self.answers += 1
        blocks = [block for side, block in self._written if side is volume]
        for history in (sides[volume][block] for sides in self._sides() for block in blocks):
            sure = [r.answered is not None and r.answered <= since for r in history]
            if True in sure:
                del history[: len(sure) - 1 - sure[::-1].index(True)]

    def point_offered(self, request: int) -> World:
        """A start or sync is about to reach the disk: from now on a crash may find it happened."""
        source = self.live.sides[Volume.SOURCE]
        sides = {volume: [[history[-1]] for history in source] for volume in Volume}
        world = World(f"where request {request} happened", {State.COPYING}, sides)
        self.worlds.append(world)
        return world

    def point_taken(self, world: World) -> None:
        """CONC-2: at this instant the target becomes the source."""
        self.state, self.live = State.COPYING, world

    def point_answered(self, world: World) -> None:
        """CRASH-3: a start or sync that was answered happened, whatever a crash does."""
        self.before, self.worlds, self.live = self.worlds[0], [world], world

    def standing_offered(self, state: State) -> None:
        """A stop, or a failure to be recorded, is about to reach the disk."""
        for world in self.worlds:
            world.standings = world.standings | {state}

    def standing_taken(self, state: State) -> None:
        """The relationship is idle or stopped, for anybody who asks now."""
        self.state = state

    def standing_recorded(self, state: State) -> None:
        """LIFE-2, ERR-5: the relationship goes by a stop from now on, so that is durable."""
        self.standing_taken(state)
        for world in self.worlds:
            world.standings = {state}

    def stop_answered(self) -> None:
        """LIFE-2: a stop that was answered stays."""
        self.before = None
        self.standing_recorded(self.state)

    def recovered(self, state: State, source: Sequence[int], target: Sequence[int] | None) -> None:
        """After a crash both volumes were read: is that one of the worlds that may be?

        `target` is None if it refuses I/O. What was seen is certain from now on.
        """
        complaints = [self._complain(world, state, source, target) for world in self.worlds]
        if all(complaints):
            raise self._no_world(complaints, state, source, target)
        world = _certain(state, source, source if target is None else target)
        self.state = standing(state)
        self.worlds, self.live, self.before = [world], world, None
        self._written.clear()

    def may_be(self, state: State, source: Sequence[int], target: Sequence[int] | None) -> bool:
        """Whether a crash now may leave the volumes so; `target` is None if it refuses I/O."""
        return not all(self._complain(world, state, source, target) for world in self.worlds)

    def _complain(
        self, world: World, state: State, source: Sequence[int], target: Sequence[int] | None
    ) -> Complaint | None:
        """Why what was seen is not this world; None if it is."""
        if standing(state) not in world.standings:
            allowed = " or ".join(sorted(s.value for s in world.standings))
            return "CRASH-3", f"the relationship is {state.value}, not {allowed}"
        for volume, side in ((Volume.SOURCE, source), (Volume.TARGET, target)):
            for block, seen in enumerate(side or ()):
                history = world.sides[volume][block]
                if all(seen != record.content for record in history):
                    lost = volume is Volume.SOURCE or history[0].written_to is Volume.TARGET
                    text = self._wrong(volume, block, history, seen)
                    return "CRASH-1" if lost else "CRASH-2", text
        return None

    def _no_world(
        self,
        complaints: Sequence[Complaint | None],
        state: State,
        source: Sequence[int],
        target: Sequence[int] | None,
    ) -> ViolationError:
        if self.before and not self._complain(self.before, state, source, target):
            return violation(
                "CRASH-3",
                f"after the crash all is as before the start or sync that was answered,"
                f" not as {self.worlds[0].name}",
            )
        found = [complaint for complaint in complaints if complaint]
        seen = {Volume.SOURCE: source, Volume.TARGET: target or ()}
        if len(found) > 1 and self._is_mixture(seen):
            each = "; ".join(
                f"{world.name}: {text}" for world, (_, text) in zip(self.worlds, found, strict=True)
            )
            return violation("CRASH-3", f"after the crash a start or sync half happened. {each}")
        return violation(found[0][0], f"after the crash {found[0][1]}")

    def _is_mixture(self, seen: dict[Volume, Sequence[int]]) -> bool:
        """Whether each block by itself fits some world."""
        return all(
            any(content == r.content for w in self.worlds for r in w.sides[volume][block])
            for volume, side in seen.items()
            for block, content in enumerate(side)
        )

    def _wrong(self, volume: Volume, block: int, history: Sequence[Record], seen: int) -> str:
        """What a block holds, what it must hold, and where both came from."""
        expected = " or ".join(
            f"{record.content} ({self._origins[record.content]})" for record in history
        )
        origin = self._origins.get(seen, "left from before")
        return f"{volume.value} block {block} holds {seen} ({origin}); it must hold {expected}"

    def _sides(self) -> list[dict[Volume, Histories]]:
        """The histories of all worlds, each once: the live world may share those of another."""
        return list({id(w.sides): w.sides for w in (*self.worlds, self.live)}.values())


def violation(clause: str, explanation: str) -> ViolationError:
    """A complaint, ready to be raised."""
    return ViolationError(Finding(clause, explanation))


def _certain(state: State, source: Sequence[int], target: Sequence[int]) -> World:
    sides = {
        volume: [[Record(content, 0)] for content in side]
        for volume, side in ((Volume.SOURCE, source), (Volume.TARGET, target))
    }
    return World("where nothing more happened", {standing(state)}, sides)
