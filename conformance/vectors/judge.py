"""Is an answer admissible, and if not, what is wrong with it, in words.

The step is known to be the first that went wrong, so only one thing need be said of it: the first
block, bit or number that no admissible answer has.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from flashcopy.conformance.vectors.vector import (
    ZEROS,
    Answer,
    Count,
    Grains,
    Kind,
    Request,
    Result,
    Run,
)
from flashcopy.model.content import Tag, UnreadableBlockError, decode, encode
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume


@frozen
class Refused:
    """What was answered, if it was an error."""

    kind: str


# What was answered: the fields of a result, data and maps as bytes; or an error.
Seen = dict[str, Any] | Refused


@frozen
class Wrong:
    """How an answer is wrong."""

    kind: Kind
    explanation: str


def data_of(params: Mapping[str, Any], block_size: int) -> bytes:
    """The bytes of a write's `data`: runs that leave no choice, or base64."""
    if isinstance(params["data"], str):
        return base64.b64decode(params["data"])
    runs = [Run(run["blocks"], tuple(run["hold"])) for run in params["data"]]
    first = params["offset"] // block_size
    return b"".join(block_of(run.hold[0], at, block_size) for run, at in _each_block(runs, first))


def block_of(content: str, block: int, block_size: int) -> bytes:
    """The bytes of a block that holds a content, "zeros" or a volume and a write."""
    if content == ZEROS:
        return bytes(block_size)
    volume, write = content.split()
    return encode(Tag(Volume(volume), block, int(write)), block_size)


def what_is_wrong(request: Request, seen: Seen, geometry: Geometry, point: int) -> Wrong | None:
    """None for an admissible answer, else what the nearest admissible one would have had.

    `point` is the last write before the last start or sync; it tells old data from new where there
    should be none.
    """
    wrongs = []
    for answer in request.answers:
        wrong = _differs(request, answer, seen, geometry, point)
        if wrong is None:
            return None
        wrongs.append(wrong)
    if len(wrongs) == 1:
        return wrongs[0]
    said = "; or else ".join(wrong.explanation for wrong in wrongs)
    return Wrong(wrongs[0].kind, said)


def _differs(
    request: Request, answer: Answer, seen: Seen, geometry: Geometry, point: int
) -> Wrong | None:
    if isinstance(seen, Refused):
        if answer.error is None:
            says = f"it must be carried out, and was refused with {seen.kind}"
            return Wrong(Kind.WRONGLY_REFUSED, says)
        if answer.error != seen.kind:
            says = f"it must be refused with {answer.error}, and was with {seen.kind}"
            return Wrong(Kind.NOT_REFUSED, says)
        return None
    if answer.result is None:
        says = f"it must be refused with {answer.error}, and was carried out"
        return Wrong(Kind.NOT_REFUSED, says)
    return next(_differences(request, answer.result, seen, geometry, point), None)


def _differences(
    request: Request, result: Result, seen: dict[str, Any], geometry: Geometry, point: int
) -> Iterator[Wrong]:
    if result.data is not None:
        yield from _wrong_blocks(request, result.data, seen["data"], geometry, point)
    if result.state is not None and seen["state"] != result.state:
        says = f"the state must be {result.state}, and is {seen['state']}"
        yield Wrong(Kind.WRONG_STATE, says)
    if result.grains is not None and seen["grains"] != result.grains:
        says = f"there are {result.grains} grains, and it says {seen['grains']}"
        yield Wrong(Kind.WRONG_COUNT, says)
    if isinstance(result.copied, Count):
        least, most = result.copied.least, result.copied.most
        if not least <= seen["copied"] <= most:
            must = f"{least}" if least == most else f"from {least} to {most}"
            says = f"the number of copied grains must be {must}, and is {seen['copied']}"
            yield Wrong(Kind.WRONG_COUNT, says)
    for name, bits in (("copied", result.copied), ("modified", result.modified)):
        if isinstance(bits, Grains):
            yield from _wrong_bits(name, bits, seen[name], geometry)


def _wrong_bits(name: str, bits: Grains, seen: bytes, geometry: Geometry) -> Iterator[Wrong]:
    octets = -(-geometry.grains // 8)
    if len(seen) != octets:
        says = f"the {name} map must have {octets} bytes, and has {len(seen)}"
        yield Wrong(Kind.WRONG_MAP, says)
        return
    for must, grains in ((1, bits.set), (0, bits.clear)):
        for grain in grains:
            if seen[grain // 8] >> grain % 8 & 1 != must:
                word = "set" if must else "clear"
                yield Wrong(Kind.WRONG_MAP, f"grain {grain} must be {word} in the {name} map")


def _wrong_blocks(
    request: Request, runs: Sequence[Run], seen: bytes, geometry: Geometry, point: int
) -> Iterator[Wrong]:
    size = geometry.block_size
    if len(seen) != request.params["length"]:
        says = f"{request.params['length']} bytes were asked for, and {len(seen)} answered"
        yield Wrong(Kind.TORN, says)
        return
    first = request.params["offset"] // size
    volume = Volume(request.params["volume"])
    for run, block in _each_block(runs, first):
        data = seen[(block - first) * size :][:size]
        if all(data != block_of(content, block, size) for content in run.hold):
            kind, holds = _say(volume, block, data, run.hold, point)
            grain = block // geometry.grain_blocks
            yield Wrong(
                kind,
                f"{volume.value} block {block} (grain {grain}) is {kind.value}:"
                f" it must hold {' or '.join(run.hold)}, and holds {holds}",
            )


def _say(
    volume: Volume, block: int, data: bytes, hold: Sequence[str], point: int
) -> tuple[Kind, str]:
    """In which way a block is wrong, and what it holds."""
    try:
        tag = decode(data)
    except UnreadableBlockError as error:
        torn = str(error).startswith(Kind.TORN.value)
        return Kind.TORN if torn else Kind.FOREIGN, f"what nobody wrote: {error}"
    if tag is None:
        return Kind.NEVER_WRITTEN, ZEROS
    said = f"{tag.volume.value} {tag.write}"
    if tag.block != block:
        return Kind.MISPLACED, f"{said} of block {tag.block}"
    if volume is Volume.SOURCE and tag.volume is Volume.TARGET:
        return Kind.FOREIGN, said
    # Zeros have no number; a write that is there in their place is as old as its point in time.
    newest = max(int(content.split()[1]) if content != ZEROS else point + 1 for content in hold)
    return Kind.STALE if tag.write < newest else Kind.TOO_NEW, said


def _each_block(runs: Sequence[Run], first: int) -> Iterator[tuple[Run, int]]:
    block = first
    for run in runs:
        for _ in range(run.blocks):
            yield run, block
            block += 1
