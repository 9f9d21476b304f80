"""Why a block shows what it shows: the likeliest cause, in the words of the requests made.

A wrong block alone says little. But every content names its write, and the model says what each
request had to do to the block's grain. So it can be told which write came after which point in
time, what a sync had to undo, what had to be copied by whom, and so which step was left out.
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from flashcopy.conformance.wrong import Kind, Wrong
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry, blocks_of_grain, blocks_of_request
from flashcopy.model.geometry import grains_of_blocks as grains_of
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    BackgroundCopy,
    Operation,
    Refused,
    Start,
    Sync,
    Write,
    WriteZeroes,
)


@frozen
class _Event:
    """Something that a request had to do to one block or its grain, by the model.

    `content` is what it wrote to the block, None if nothing. `copied` and `modified` are the
    grain's bits before it, `copies` is whether it had to copy the grain.
    """

    request: int
    operation: Operation
    content: int | None
    copied: bool
    modified: bool
    copies: bool


@define
class _Story:
    """What happened to one block and its grain, and the last point in time among it."""

    geometry: Geometry
    block: int
    events: list[_Event] = field(factory=list)

    @property
    def grain(self) -> int:
        """The grain of the block."""
        return self.block // self.geometry.grain_blocks

    def last_point(self) -> int:
        """Where the last start or sync is among the events; -1 if there was none."""
        points = [at for at, each in enumerate(self.events) if _is_point(each)]
        return points[-1] if points else -1

    def writer(self, content: int, volume: Volume, events: Sequence[_Event]) -> _Event | None:
        """Who last wrote this content to the block of a volume."""
        writers = [
            each
            for each in events
            if each.content == content
            and isinstance(each.operation, Write | WriteZeroes)
            and each.operation.volume is volume
        ]
        return writers[-1] if writers else None


def explain(
    geometry: Geometry,
    history: Sequence[tuple[int, Operation]],
    volume: Volume,
    block: int,
    contents: tuple[int, int],
) -> tuple[str, Wrong]:
    """What one wrong block is, with the likeliest cause, if one can be said; and for machines.

    `history` is what was asked before the read, by the numbers of the requests; `contents` are what
    the block must show and what it shows.
    """
    story = _tell(geometry, history, block)
    right, wrong = contents
    of_volume = _of_source if volume is Volume.SOURCE else _of_target
    kind, cause = of_volume(story, right, wrong)
    what = kind.value if kind else "wrong"
    shows = f"must show {_content(right)} and shows {_content(wrong)}"
    said = f"{volume.value} block {block} (grain {story.grain}) is {what}: it {shows}"
    writers = [each.request for each in story.events if each.content in contents]
    points = [story.events[story.last_point()].request] if story.last_point() >= 0 else []
    short = Wrong(kind, (block,), tuple(dict.fromkeys(writers[-2:] + points)), contents)
    return (f"{said}; {cause}" if cause else said), short


def _of_target(story: _Story, right: int, wrong: int) -> tuple[Kind | None, str]:
    at = story.last_point()
    before, since = story.events[: at + 1], story.events[at + 1 :]
    if newer := story.writer(wrong, Volume.SOURCE, since):
        return Kind.TOO_NEW, _too_new(story, before, since, newer)
    if lost := story.writer(right, Volume.TARGET, since):
        return Kind.STALE, _target_write_gone(story, since, lost, wrong)
    if not before:
        return None, ""
    if undone := story.writer(wrong, Volume.TARGET, before):
        return Kind.NOT_UNDONE, _not_undone(story, before[-1], undone)
    return Kind.STALE, _stale(story, before, since)


def _tell(geometry: Geometry, history: Sequence[tuple[int, Operation]], block: int) -> _Story:
    """The part of a history that concerns one block and its grain."""
    story = _Story(geometry, block)
    machine = model.create(geometry)
    for number, operation in history:
        before = machine.grains[story.grain]
        machine, outcome = model.apply(machine, operation)
        if isinstance(outcome, Refused):
            continue
        after = machine.grains[story.grain]
        copies = after.copied and not before.copied
        content = None
        if isinstance(operation, Write | WriteZeroes):
            blocks = blocks_of_request(geometry, operation.offset, operation.length)
            if block in blocks:
                content = operation.content if isinstance(operation, Write) else model.ZERO
            elif story.grain not in grains_of(geometry, blocks):
                continue
        elif not isinstance(operation, Start | Sync | BackgroundCopy):
            continue
        bits = before.copied, before.modified
        story.events.append(_Event(number, operation, content, *bits, copies))
    return story


def _too_new(
    story: _Story, before: Sequence[_Event], since: Sequence[_Event], newer: _Event
) -> str:
    point = f"came after {_point(before[-1])}" if before else "came"
    earlier, later = since[: since.index(newer)], since[since.index(newer) + 1 :]
    copiers = [each for each in later if isinstance(each.operation, BackgroundCopy)]
    again = f"{_request(story, copiers[-1])} copied the grain again" if copiers else ""
    if newer.copies:
        return (
            f"{_request(story, newer)} {point}, when grain {story.grain} was not copied yet: its"
            " old data had to be copied to the target before the write (copy on write), and was"
            f" not, or the read was still sent to the source{again and f', or {again}'}"
            f"{_aside(story, newer)}"
        )
    copier = _last_copy(earlier)
    had = f"{_request(story, copier)} had copied grain {story.grain}" if copier else "it was copied"
    return (
        f"{_request(story, newer)} {point}, and before it {had}, so that the target has the old"
        f" data for itself: {again or 'the grain was copied again'}, or the read was still sent to"
        " the source"
    )


def _target_write_gone(story: _Story, since: Sequence[_Event], lost: _Event, wrong: int) -> str:
    said = f"{_request(story, lost)} put the right data there and was answered, and it is gone"
    older = story.writer(wrong, Volume.TARGET, since)
    if older is not None:
        return f"{said}: {_request(story, older)} came before it, and landed after it"
    after = [each for each in since[since.index(lost) + 1 :] if _may_copy(each)]
    copier = _request(story, after[-1]) if after else "something"
    return f"{said}: {copier} copied grain {story.grain} over it, or it was never stored"


def _not_undone(story: _Story, point: _Event, undone: _Event) -> str:
    return (
        f"{_request(story, undone)} came before {_point(point)}, which must undo it: a write to the"
        " target makes the two sides differ just as one to the source does, but this one was not"
        f" tracked as a modification of grain {story.grain}, or its mark was lost before or in the"
        f" merge{_aside(story, undone)}"
    )


def _stale(story: _Story, before: Sequence[_Event], since: Sequence[_Event]) -> str:
    """The target shows what it held before the point in time."""
    point, grain = before[-1], story.grain
    copier = _last_copy(since)
    if point.copied and point.modified and isinstance(point.operation, Sync) and copier is None:
        earlier = [at for at, each in enumerate(before[:-1]) if _is_point(each)]
        marks = [each for each in before[earlier[-1] + 1 : -1] if _is_write(each)]
        return _not_tracked(story, before[earlier[-1]], marks, point)
    if copier is not None:
        return _copied_without_data(story, point, copier)
    said = f"nothing has copied grain {grain} since {_point(point)}"
    if isinstance(point.operation, Sync) and point.copied:
        return (
            f"{said}, and nothing had changed it: the copy made before that is not what it was of"
        )
    why = "a start must leave nothing copied"
    if isinstance(point.operation, Sync):
        said += " and it was not copied before"
        why = "the merge must leave copied only what was copied and not modified"
    copiers = [each for each in since if isinstance(each.operation, BackgroundCopy)]
    if copiers:
        why += f", and {_request(story, copiers[-1])} must mark only what it has copied"
    return (
        f"{said}, so it must be read from the source (fake read), but it is taken for copied: {why}"
    )


def _not_tracked(story: _Story, earlier: _Event, marks: Sequence[_Event], point: _Event) -> str:
    mark = next((each for each in reversed(marks) if each.content is not None), marks[-1])
    how = "had to copy it first" if mark.copies else "found it copied"
    return (
        f"{_request(story, mark)} changed grain {story.grain} (and {how}) after {_point(earlier)},"
        f" so {_point(point)} had to make the grain uncopied, and did not: the write was not"
        " tracked as a modification, or its mark was lost before or in the merge"
        f"{_aside(story, mark)}"
    )


def _copied_without_data(story: _Story, point: _Event, copier: _Event) -> str:
    grain, size = story.grain, story.geometry.grain_blocks
    said = f"{_request(story, copier)} had to copy grain {grain}"
    if _is_write(copier) and copier.content is None:
        said += ", of which it changed other blocks,"
    if len(blocks_of_grain(story.geometry, grain)) < size:
        said += " (the short last one)"
    return (
        f"{said} after {_point(point)}: it counts as copied, but what the source held there did not"
        f" come to the target, which shows what it held before{_aside(story, copier)}"
    )


def _of_source(story: _Story, right: int, wrong: int) -> tuple[Kind | None, str]:
    lost = story.writer(right, Volume.SOURCE, story.events)
    if lost is None:
        return None, ""
    said = f"{_request(story, lost)} was the last to write there and was answered"
    older = story.writer(wrong, Volume.SOURCE, story.events)
    if older is not None:
        overtaken = f"or {_request(story, older)}, which came before it, landed after it"
        return Kind.STALE, f"{said}: it was lost, {overtaken}"
    return Kind.STALE, f"{said}: it was lost"


def _aside(story: _Story, event: _Event) -> str:
    """What is special about a request, and so a likely reason."""
    if isinstance(event.operation, WriteZeroes):
        return " (writing zeroes is a write like any other)"
    if isinstance(event.operation, Write):
        operation, geometry = event.operation, story.geometry
        blocks = blocks_of_request(geometry, operation.offset, operation.length)
        grains = grains_of(geometry, blocks)
        if len(grains) > 1:
            place = {grains[0]: "the first", grains[-1]: "the last"}.get(
                story.grain, "in the middle"
            )
            return f" (grain {story.grain} is {place} of the grains {grains[0]}-{grains[-1]} of it)"
    return ""


def _last_copy(events: Sequence[_Event]) -> _Event | None:
    copies = [each for each in events if each.copies]
    return copies[-1] if copies else None


def _is_point(event: _Event) -> bool:
    return isinstance(event.operation, Start | Sync)


def _is_write(event: _Event) -> bool:
    return isinstance(event.operation, Write | WriteZeroes)


def _may_copy(event: _Event) -> bool:
    return _is_write(event) or isinstance(event.operation, BackgroundCopy)


def _point(event: _Event) -> str:
    """A start or sync."""
    return f"the {type(event.operation).__name__.lower()} (request #{event.request})"


def _request(story: _Story, event: _Event) -> str:
    """A request with what it is about, in blocks."""
    operation = event.operation
    if isinstance(operation, Write | WriteZeroes):
        blocks = blocks_of_request(story.geometry, operation.offset, operation.length)
        run = f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {blocks[0]}-{blocks[-1]}"
        word = f"write {operation.content}" if isinstance(operation, Write) else "write of zeroes"
        return f"{word} (request #{event.request}, {operation.volume.value} {run})"
    if isinstance(operation, BackgroundCopy):
        return f"the background copy (request #{event.request})"
    return _point(event)


def _content(content: int) -> str:
    return "zeros" if content == model.ZERO else f"write {content}"
