"""A history as a drawing: time from left to right, one lane a request in flight.

This file decides what is drawn where (`shapes`). At the top are starts, syncs and stops, whose span
goes down through everything; then the source's requests, the target's, and the others; below them
what is known of the blocks in question and of the bits of their grains (`known`). A long history is
cut down to what bears on what is wrong (`scene`).
"""

from collections.abc import Mapping, Sequence

from flashcopy.conformance.oracle.history import Request
from flashcopy.conformance.report.known import Span
from flashcopy.conformance.report.known_bits import Bits, bits_known
from flashcopy.conformance.report.known_contents import contents_known
from flashcopy.conformance.report.scene import Scene, scene_of
from flashcopy.conformance.report.shapes import Band, Box, Cell, Drawing, Row, Strip
from flashcopy.conformance.wrong import Wrong
from flashcopy.model.geometry import blocks_of_request, is_within
from flashcopy.model.images import Volume
from flashcopy.model.operation import (
    Contents,
    Operation,
    Read,
    Start,
    Stop,
    Sync,
    Write,
    WriteZeroes,
)
from flashcopy.model.trace import Trace
from flashcopy.model.volume import ZERO
from flashcopy.model.wording import of_extent, of_operation, of_outcome

GUTTER = 118
_CHARACTER, _PADDING = 7.3, 14
# Between two ticks: while requests are in flight, while none is, and before a kill.
_GAP, _PAUSE, _BEFORE_KILL = 12, 36, 100
_LANE, _STRIP, _CELL = 58, 24, 30
_COLOURS = 8


_GROUPS = ("points in time", "source", "target", "others")


def draw(trace: Trace, wrong: Wrong) -> Drawing:
    """The drawing of a trace, and of what is wrong in it."""
    scene = scene_of(trace, wrong)
    colours = _colours(scene)
    at = _positions(scene)
    rows, boxes, y = _lanes(scene, at, colours)
    lanes = y
    bands = tuple(
        Band(at[each.begin], at[each.end] - at[each.begin], each.number in scene.in_question)
        for each in scene.requests
        if _group(each.operation) == _GROUPS[0]
    )
    end = max(at.values(), default=GUTTER) + _PAUSE
    below = _strips(scene, at, colours, y + 10, end)
    height = max([y, *(row.y + row.height for row in below)]) + 8
    return Drawing(
        end,
        height,
        lanes,
        (*rows, *below),
        boxes,
        bands,
        tuple(at[tick] for tick in scene.kills),
        scene.left_out,
        _words(trace, scene),
    )


def _positions(scene: Scene) -> dict[int, float]:
    """Where each tick is: as far left as what is written in the requests allows."""
    begin = {each.number: each.begin for each in scene.requests}
    ticks = {tick for each in scene.requests for tick in (each.begin, each.end)}
    at: dict[int, float] = {}
    x = GUTTER + 8.0
    for tick in sorted(ticks | set(scene.kills)):
        if at:
            pause = not any(each.begin < tick <= each.end for each in scene.requests)
            x += _BEFORE_KILL if tick in scene.kills else _PAUSE if pause else _GAP
        for each in scene.requests:
            if each.end == tick:
                x = max(x, at[begin[each.number]] + _width(scene, each))
        at[tick] = x
    return at


def _lanes(
    scene: Scene, at: Mapping[int, float], colours: Mapping[int, str]
) -> tuple[list[Row], tuple[Box, ...], float]:
    rows: list[Row] = []
    boxes: list[Box] = []
    y = 6.0
    for group in _GROUPS:
        members = [each for each in scene.requests if _group(each.operation) == group]
        if not members:
            continue
        free: list[int] = []  # the tick at which each lane is free again
        for each in sorted(members, key=lambda request: request.begin):
            lane = next((n for n, tick in enumerate(free) if tick < each.begin), len(free))
            free[lane : lane + 1] = [each.end]
            boxes.append(_box(scene, each, at, y + lane * _LANE + 4, colours))
        rows.append(Row(y, len(free) * _LANE, group))
        y += len(free) * _LANE
    return rows, tuple(boxes), y


def _box(
    scene: Scene, request: Request, at: Mapping[int, float], y: float, colours: Mapping[int, str]
) -> Box:
    x = at[request.begin]
    outcome = request.outcome
    answered = "never answered" if outcome is None else of_outcome(outcome)
    cells = tuple(
        Cell(
            x + _PADDING / 2 + number * _CELL,
            block,
            str(content),
            colours.get(content, "other"),
        )
        for number, (block, content) in enumerate(_cells(scene, request))
    )
    return Box(
        x,
        y,
        at[request.end] - x,
        request.number,
        _texts(scene, request),
        cells,
        request.number in scene.in_question,
        answered.startswith("refused"),
        of_operation(scene.geometry, request.operation),
        answered,
        request.begin,
        request.end,
    )


def _texts(scene: Scene, request: Request) -> tuple[str, ...]:
    operation = request.operation
    word = type(operation).__name__.lower()
    if isinstance(operation, Read | Write | WriteZeroes):
        named = of_extent(scene.geometry, operation.offset, operation.length)
        word = "write zeroes" if isinstance(operation, WriteZeroes) else word
        first = f"#{request.number} {word} {named}"
    elif isinstance(operation, Start | Sync | Stop):
        first = f"#{request.number} {word}"
    else:
        first = f"#{request.number} {of_operation(scene.geometry, operation)}"
    if request.outcome is None:
        return first, "never answered"
    said = of_outcome(request.outcome)
    return (first,) if _cells(scene, request) or said == "done" else (first, _short(said))


def _short(text: str) -> str:
    return text if len(text) <= 28 else f"{text[:27]}…"


def _cells(scene: Scene, request: Request) -> list[tuple[int, int]]:
    """The blocks in question, or all if they are few, and what was read or written there."""
    operation = request.operation
    if isinstance(operation, Read) and isinstance(request.outcome, Contents):
        contents: Sequence[int] = request.outcome.contents
    elif isinstance(operation, Write | WriteZeroes):
        contents = ()
    else:
        return []
    if not is_within(scene.geometry, operation.offset, operation.length):
        return []
    blocks = blocks_of_request(scene.geometry, operation.offset, operation.length)
    if not contents:
        content = operation.content if isinstance(operation, Write) else ZERO
        contents = [content] * len(blocks)
    pairs = list(zip(blocks, contents, strict=False))
    return [pair for pair in pairs if pair[0] in scene.blocks] or pairs[:4]


def _width(scene: Scene, request: Request) -> float:
    texts = max(len(line) for line in _texts(scene, request)) * _CHARACTER
    return max(texts, len(_cells(scene, request)) * _CELL) + _PADDING


def _strips(
    scene: Scene, at: Mapping[int, float], colours: Mapping[int, str], y: float, end: float
) -> list[Row]:
    """What is known of each block in question, and then of the bits of its grain."""
    rows: list[Row] = []

    def add(label: str, strips: list[Strip]) -> None:
        rows.append(Row(y + len(rows) * (_STRIP + 4), _STRIP, label, tuple(strips)))

    for block in scene.blocks:
        known = contents_known(scene.all_requests, scene.all_kills, scene.geometry, block)
        for volume in Volume:
            strips = [
                _strip(span, at, end, _say_content(span.value), _colour(span.value, colours))
                for span in known[volume]
            ]
            add(f"{volume.value} {block}", [each for each in strips if each.width > 0])
    for grain in scene.grains:
        bits = bits_known(scene.all_requests, scene.all_kills, scene.geometry, grain)
        strips = [_strip(span, at, end, *_say_bits(span.value)) for span in bits]
        add(f"grain {grain}", [each for each in strips if each.width > 0])
    return rows


def _strip(
    span: Span[int] | Span[Bits],
    at: Mapping[int, float],
    end: float,
    texts: Sequence[str],
    colour: str,
) -> Strip:
    """The first of the texts that finds room."""
    begin, stop = _x_of(span.begin, at, end), _x_of(span.end, at, end)
    room = stop - begin - _GAP
    text = next((text for text in texts if len(text) * _CHARACTER <= room), "")
    return Strip(begin, stop - begin, text, colour)


def _x_of(tick: int, at: Mapping[int, float], end: float) -> float:
    """A tick that is not drawn is where the next one is."""
    return min((x for drawn, x in at.items() if drawn >= tick), default=end)


def _say_content(content: int | None) -> tuple[str, ...]:
    if content is None:
        return ("?",)
    return "zeros" if content == ZERO else f"write {content}", str(content)


def _colour(content: int | None, colours: Mapping[int, str]) -> str:
    return "unknown" if content is None else colours.get(content, "other")


def _say_bits(bits: Bits | None) -> tuple[tuple[str, ...], str]:
    return {
        None: (("?",), "unknown"),
        (False, False): (("not copied", "- -"), "uncopied"),
        (True, False): (("copied", "C -"), "copied"),
        (True, True): (("copied, modified", "C M"), "modified"),
    }[bits]


def _colours(scene: Scene) -> dict[int, str]:
    """A colour for each content that the drawing shows, those in question first."""
    shown = [*scene.contents]
    for request in scene.requests:
        shown += [content for _, content in _cells(scene, request)]
    contents = [content for content in dict.fromkeys(shown) if content != ZERO]
    colours = {content: f"w{number}" for number, content in enumerate(contents[:_COLOURS])}
    return {ZERO: "zeros", **colours}


def _group(operation: Operation) -> str:
    if isinstance(operation, Start | Sync | Stop):
        return _GROUPS[0]
    if isinstance(operation, Read | Write | WriteZeroes):
        return operation.volume.value
    return _GROUPS[3]


def _words(trace: Trace, scene: Scene) -> str:
    """The drawing for those who do not see it."""
    asked = [each for each in scene.requests if each.number in scene.in_question]
    said = "; ".join(
        f"request {each.number}, {of_operation(trace.geometry, each.operation)}"
        for each in sorted(asked, key=lambda request: request.begin)
    )
    return (
        f"{len(scene.requests)} requests from left to right in order of time. In question: {said}."
        f" {trace.finding} The table below says all of them in words."
    )
