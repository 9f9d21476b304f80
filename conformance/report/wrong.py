"""What an explanation points at: the kind of wrong block; the blocks, requests and writes named.

An explanation is for people, but it names things by fixed words, in a trace that was read from a
file as in a finding of this minute: `target block 3`, `request #7`, `write 5`, `stale`. They are
found again here, so that a report can sort by them and a drawing can point at them. What is named
otherwise is not found, and no harm done: then the last request is what is wrong.

What comes first in an explanation is what is seen; what follows are reasons.
"""

import re

from attrs import frozen

from flashcopy.model.geometry import blocks_of_request, is_within
from flashcopy.model.operation import Operation, Read, Write
from flashcopy.model.trace import Submit, Trace
from flashcopy.model.volume import ZERO

KINDS = ("torn", "misplaced", "foreign", "never written", "too new", "not undone", "stale")
# Where no block is wrong by itself, what is: the words that tell it, and what it is called.
_OTHERS = {
    "no single moment": "no single point in time",
    "no moments of the starts": "no single point in time",
    "no moment of any start": "no single point in time",
    "target write is lost": "lost target write",
    "changed without a write": "changed without a write",
    "no order of starts and stops": "wrong state",
    "the state is": "wrong state",
    "`internal`": "internal error",
    "not copied": "not copied",
    "grains copied": "not copied",
    "must be refused": "not refused",
    "was refused": "refused",
    "bytes, got": "wrong length",
}
_SHOWS = re.compile(r"shows (zeros|write \d+).*must show ((?:(?: or )?(?:zeros|write \d+))+)")
_WRONG = re.compile(r"\b(source|target) block (\d+)")
_CONTENT = re.compile(r"zeros|write (\d+)")


@frozen
class Pointed:
    """What an explanation names, in its order: blocks, requests (by number), contents (0: zeros).

    `writers` are the requests that wrote these contents.
    """

    blocks: tuple[int, ...]
    requests: tuple[int, ...]
    contents: tuple[int, ...]
    writers: tuple[int, ...]


def kind_of(explanation: str) -> str:
    """The kind of the wrong block, or of what else is wrong; empty if the words do not tell."""
    if "foreign or misplaced" in explanation:
        return "never written" if "never written" in explanation else "misplaced"
    told = [kind for kind in KINDS if kind in explanation]
    if told:
        return min(told, key=explanation.index)
    shows = _SHOWS.search(explanation)
    if shows is not None:
        (seen,) = _contents(shows[1])
        return "stale" if seen < min(_contents(shows[2])) else "too new"
    return next((kind for words, kind in _OTHERS.items() if words in explanation), "")


def pointed_at(trace: Trace) -> Pointed:
    """What a trace's finding names. The read that saw it is, or the last one that could."""
    contents = _contents(trace.finding)
    asked = {entry.request: entry.operation for entry in trace.entries if isinstance(entry, Submit)}
    writers = tuple(
        number
        for number, operation in asked.items()
        if isinstance(operation, Write)
        and operation.content in contents
        and operation.content != ZERO  # zeros are what everything was at first
    )
    requests = _numbers(r"#(\d+)", trace.finding)
    if not any(isinstance(asked.get(number), Read) for number in requests):
        requests += _last_to_see(trace, asked)
    requests = requests or tuple(asked)[-1:]
    return Pointed(_numbers(r"\bblock (\d+)", trace.finding), requests, contents, writers)


def _last_to_see(trace: Trace, asked: dict[int, Operation]) -> tuple[int, ...]:
    """The last read of the block that is said to be wrong."""
    wrong = _WRONG.search(trace.finding)
    if wrong is None:
        return ()
    reads = [
        number
        for number, operation in asked.items()
        if isinstance(operation, Read)
        and operation.volume.value == wrong[1]
        and is_within(trace.geometry, operation.offset, operation.length)
        and int(wrong[2]) in blocks_of_request(trace.geometry, operation.offset, operation.length)
    ]
    return tuple(reads[-1:])


def _numbers(pattern: str, text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(number) for number in re.findall(pattern, text)))


def _contents(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(found[1] or 0) for found in _CONTENT.finditer(text)))
