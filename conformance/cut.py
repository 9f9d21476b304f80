"""The cut: could a correct flashcopy have answered like this?

Every start and sync cuts the history at one moment: what the source held then is what the target
shows until the next. Nobody saw the moment, but every target read is evidence of it. If a target
block shows the source's write *w*, the cut lies after *w* took effect and before the block's next
write did. Each write took effect between its request and its answer, and source reads narrow that
down further. A cut is possible if all this evidence, and the request's own interval, have a moment
in common. Intervals on a line that have none contain two that are already disjoint, so what is
wrong can always be said of two blocks.

Requests may overlap in any way except that no two writes to one block of one volume do, and no
two starts or syncs. A target read that overlaps a sync counts as evidence only where it can have
been answered in one way alone; it is never taken to prove more than it does, so a history that is
convicted is wrong, whoever made it.
"""

from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from flashcopy.conformance.history import History, Request
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import Contents, Done, Read, Start, Sync, Write, WriteZeroes
from flashcopy.model.volume import ZERO

# Before everything that is in a history, and after it.
_BEFORE = -1
_NEVER = 1 << 62


@frozen
class Violation:
    """What is wrong with a history: the clause it breaks, and why no moment can explain it."""

    clause: str
    explanation: str
    requests: tuple[int, ...]


@define
class _Change:
    """A block got a content at a moment from `earliest` to `latest`."""

    content: int
    earliest: int
    latest: int
    request: int | None


@define
class _Cut:
    """A start or sync: the moments its point in time may have, and who says so."""

    request: Request
    earliest: int
    latest: int
    earliest_because: str
    latest_because: str
    earliest_request: int
    latest_request: int
    # Which of the source's changes each block shows in this epoch, and the read that saw it.
    shows: dict[int, tuple[int, int]] = field(factory=dict)


def check(history: History) -> Violation | None:
    """The first thing found wrong with a history, or None if a correct flashcopy could do it.

    Takes time linear in the number of blocks read and written, but for the sorting.
    """
    return next(_violations(history), None)


def _violations(history: History) -> Iterator[Violation]:
    requests = sorted(history.requests, key=lambda request: request.begin)
    changes = {volume: _changes(history.geometry, requests, volume) for volume in Volume}
    source, target = changes[Volume.SOURCE], changes[Volume.TARGET]
    yield from _check_source_reads(history.geometry, requests, source)
    cuts = _cuts(requests)
    for request, block, content in _reads(history.geometry, requests, Volume.TARGET):
        yield from _check_target_read(request, block, content, source[block], target[block], cuts)


def _changes(
    geometry: Geometry, requests: Sequence[Request], volume: Volume
) -> list[list[_Change]]:
    """For each block of a volume its contents in order, the zeros it began with included."""
    changes = [[_Change(ZERO, _BEFORE, _BEFORE, None)] for _ in range(geometry.blocks)]
    for request in requests:
        operation = request.operation
        if not isinstance(operation, Write | WriteZeroes) or operation.volume is not volume:
            continue
        if not isinstance(request.outcome, Done):
            continue
        content = operation.content if isinstance(operation, Write) else ZERO
        for block in blocks_of_request(geometry, operation.offset, operation.length):
            changes[block].append(_Change(content, request.begin, request.end, request.number))
    return changes


def _reads(
    geometry: Geometry, requests: Sequence[Request], volume: Volume
) -> Iterator[tuple[Request, int, int]]:
    """Every block that was read from a volume, with what was seen."""
    for request in requests:
        operation, outcome = request.operation, request.outcome
        if (
            isinstance(operation, Read)
            and operation.volume is volume
            and isinstance(outcome, Contents)
        ):
            blocks = blocks_of_request(geometry, operation.offset, operation.length)
            for block, content in zip(blocks, outcome.contents, strict=True):
                yield request, block, content


def _check_source_reads(
    geometry: Geometry, requests: Sequence[Request], source: list[list[_Change]]
) -> Iterator[Violation]:
    """READ-1; and what the reads tell about when the writes took effect."""
    for request, block, content in _reads(geometry, requests, Volume.SOURCE):
        changes = source[block]
        fitting = [at for at in _showing(changes, content) if _can_be_seen(changes, at, request)]
        if not fitting:
            yield Violation(
                "READ-1",
                f"source block {block}: read #{request.number} saw"
                f" {_name(content)}, {_why_not(changes, content, request)}",
                _numbers(request, changes, content),
            )
        elif len(fitting) == 1:
            at = fitting[0]
            changes[at].latest = min(changes[at].latest, request.end)
            if at + 1 < len(changes):
                changes[at + 1].earliest = max(changes[at + 1].earliest, request.begin)


def _cuts(requests: Sequence[Request]) -> list[_Cut]:
    """The points in time, in order."""
    return [
        _Cut(
            request,
            request.begin,
            request.end,
            f"request #{request.number} itself was submitted",
            f"request #{request.number} itself was answered",
            request.number,
            request.number,
        )
        for request in requests
        if isinstance(request.operation, Start | Sync) and isinstance(request.outcome, Done)
    ]


def _check_target_read(
    read: Request,
    block: int,
    content: int,
    source: list[_Change],
    target: list[_Change],
    cuts: list[_Cut],
) -> Iterator[Violation]:
    """READ-2, CONC-2: a target write that may still show, or what a cut makes of the source."""
    own = [at for at in _showing(target, content) if _own_write_can_be_seen(target, at, read, cuts)]
    if own:
        return
    epochs = [cut for at, cut in enumerate(cuts) if _epoch_can_be_seen(cuts, at, target, read)]
    shown = _showing(source, content)
    fitting = [(cut, at) for cut in epochs for at in shown if _can_be_cut(source, at, cut)]
    if not fitting:
        yield Violation(
            "READ-2",
            f"target block {block}: read #{read.number} saw {_name(content)},"
            f" {_why_no_cut(content, shown, source, epochs)}",
            _numbers(read, source, content),
        )
    elif len(fitting) == 1:
        yield from _add_evidence(read, block, source, *fitting[0])


def _add_evidence(
    read: Request, block: int, source: list[_Change], cut: _Cut, at: int
) -> Iterator[Violation]:
    """CONC-2: in one epoch a block shows one content, and all blocks have a moment in common."""
    known, by = cut.shows.setdefault(block, (at, read.number))
    if known != at:
        yield Violation(
            "IMG-1",
            f"target block {block} changed without a write: after {_request(cut)}, read #{by} saw"
            f" {_name(source[known].content)} and read #{read.number}"
            f" {_name(source[at].content)}",
            (cut.request.number, by, read.number),
        )
        return
    if source[at].earliest > cut.earliest:
        cut.earliest = source[at].earliest
        cut.earliest_because = f"block {block} shows {_name(source[at].content)}"
        cut.earliest_request = read.number
    if at + 1 < len(source) and source[at + 1].latest < cut.latest:
        cut.latest = source[at + 1].latest
        cut.latest_because = f"block {block} misses {_name(source[at + 1].content)}"
        cut.latest_request = read.number
    if cut.earliest > cut.latest:
        yield Violation(
            "CONC-2",
            f"{_request(cut)} has no single moment: {cut.earliest_because}, which began only"
            f" after the latest moment possible otherwise: {cut.latest_because}, which had been"
            " answered by then",
            (cut.request.number, cut.earliest_request, cut.latest_request),
        )


def _showing(changes: list[_Change], content: int) -> list[int]:
    """Which of a block's changes, by index, gave it this content."""
    return [at for at, change in enumerate(changes) if change.content == content]


def _can_be_seen(changes: list[_Change], at: int, read: Request) -> bool:
    """Whether a read may fall between a change and the next."""
    gone = changes[at + 1].latest if at + 1 < len(changes) else _NEVER
    return changes[at].earliest <= read.end and gone >= read.begin


def _own_write_can_be_seen(target: list[_Change], at: int, read: Request, cuts: list[_Cut]) -> bool:
    """Whether a target write may be the last thing that happened to the block before a read."""
    if not _can_be_seen(target, at, read):
        return False
    written = target[at].latest
    return not any(cut.request.begin > written and cut.request.end < read.begin for cut in cuts)


def _epoch_can_be_seen(cuts: list[_Cut], at: int, target: list[_Change], read: Request) -> bool:
    """Whether a cut may be the last thing that happened to the block before a read."""
    cut = cuts[at].request
    if cut.begin > read.end:
        return False
    if at + 1 < len(cuts) and cuts[at + 1].request.end < read.begin:
        return False
    return not any(
        change.earliest > cut.end and change.latest < read.begin for change in target[1:]
    )


def _can_be_cut(source: list[_Change], at: int, cut: _Cut) -> bool:
    """Whether a cut's own interval lets it fall between a change of the source and the next."""
    gone = source[at + 1].latest if at + 1 < len(source) else _NEVER
    return source[at].earliest <= cut.request.end and gone >= cut.request.begin


def _why_not(changes: list[_Change], content: int, read: Request) -> str:
    shown = _showing(changes, content)
    if not shown:
        return "which was never written to it: foreign or misplaced data"
    if all(changes[at].earliest > read.end for at in shown):
        return "which was begun only after the read was answered: too new"
    return "which had been overwritten before the read began: stale"


def _why_no_cut(content: int, shown: list[int], source: list[_Change], epochs: list[_Cut]) -> str:
    if not epochs:
        return "but no start or sync nor any write can have put it there"
    points = " or ".join(_request(cut) for cut in epochs)
    if not shown:
        return f"which the source's block never held: foreign or misplaced data ({points})"
    if all(source[at].earliest > cut.request.end for at in shown for cut in epochs):
        return f"which was begun only after {points} was answered: too new"
    if content == ZERO and len(shown) == 1:
        return f"though it had been written before {points}: never copied, or stale"
    return f"which had been overwritten before {points} began: stale"


def _request(cut: _Cut) -> str:
    return f"{type(cut.request.operation).__name__.lower()} #{cut.request.number}"


def _name(content: int) -> str:
    return "zeros" if content == ZERO else f"write {content}"


def _numbers(read: Request, changes: list[_Change], content: int) -> tuple[int, ...]:
    writers = [change.request for change in changes if change.content == content]
    return tuple(number for number in writers if number is not None) + (read.number,)
