"""A sync or start on the map file's disk, torn anywhere: the old maps or the new ones, never a mix.

The shipped generator runs with the shipped map file and memory on a volume of several words of
bits, and every word that it writes survives a crash or not by an unknown bit of its own (DISK-4).
A page or sector that survives as a whole is the case that all its words do alike. After every
effect, what a crash would leave is read back as at opening: the header, and the area it names.

The header is one sector and relied on to be whole (DISK-2). What happens without that is proved
too: any of its words may be lost, and then it is the old one, the new one, or refused.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from attrs import define, frozen
from bitarray import bitarray

from flashcopy.harness import mapdisk
from flashcopy.harness.mutant import SHIPPED, generator
from flashcopy.harness.mutant import Mutant as HarnessMutant
from flashcopy.harness.mutants import by_name
from flashcopy.harness.requests import Ask, Options
from flashcopy.impl import bitmap
from flashcopy.impl import effect as effects
from flashcopy.impl.effect import MAP, Standing, State
from flashcopy.impl.errors import MapFileError
from flashcopy.impl.geometry import Geometry
from flashcopy.impl.mapfile import (
    Header,
    Identity,
    decode_first_page,
    encode_first_page,
    encode_header,
)
from flashcopy.impl.memory import Memory
from flashcopy.model.choice import Condition
from flashcopy.model.trace import Trace
from flashcopy.proofs.flip_traces import trace_of
from flashcopy.proofs.obligation import Mutant, Obligation, Picture, Statement
from flashcopy.proofs.protocol_logic import conj, disj, ite, same
from flashcopy.proofs.protocol_mutants import UNFLUSHED, unflushed
from flashcopy.proofs.protocol_points import points, swapped
from flashcopy.proofs.protocol_request import Rewrite
from flashcopy.proofs.sorts import BIT, NUMBER, Function, OneOf

_WORDS = 3
GEOMETRY = Geometry(512 * _WORDS * mapdisk.WORD_GRAINS, 512, 512)
IDENTITY = Identity(GEOMETRY, Path("source"), Path("target"), id=bytes(16))
_OLD = Header(7, Standing.TRACKING, 0)

_COPIED = (0xF0F0_F0F0_F0F0_F0F0, 2**64 - 1, 0)
# What a host writes while the request waits for its grains: a grain of the second word.
_WRITTEN = range(70, 71)
_MODIFIED = (0x00F0_00F0_00F0_00F0, 1 << 63, 0)


def _map(words: tuple[int, ...]) -> bitarray:
    bits = bitmap.make(GEOMETRY.grains)
    for number, word in enumerate(words):
        for at in range(mapdisk.WORD_GRAINS):
            bits[number * mapdisk.WORD_GRAINS + at] = bool(word >> at & 1)
    return bits


@define
class _Disk:
    """Words of the map file: each as written, and as a crash would leave it.

    A word is its value as a number; the header is a number too, an index into `headers`.
    """

    kept: Callable[[int], Condition]
    now: dict[int, Any]
    after: dict[int, Any]
    headers: list[bytes]
    written: int = 0

    def write(self, writes: list[tuple[int, bytes]]) -> None:
        for number, data in mapdisk.cut(writes):
            value = self._number(number, data)
            self.after[number] = ite(self.kept(self.written), value, self.after[number])
            self.now[number] = value
            self.written += 1

    def _number(self, number: int, data: bytes) -> int:
        if number != mapdisk.HEADER:
            return int.from_bytes(data, "little")
        self.headers.append(data)
        return len(self.headers) - 1

    def flush(self) -> None:
        self.after = dict(self.now)


def _disk(kept: Callable[[int], Condition], maps: tuple[bitarray, bitarray]) -> _Disk:
    """Durable, with these maps in area 0 and others, older ones, in area 1."""
    older = (_map((2**64 - 1,) * _WORDS), _map((0, 5, 5)))
    raw = tuple(bits.tobytes() for bits in (*maps, *older))
    blocks = mapdisk.new(IDENTITY, _OLD, raw)
    words = {n: int.from_bytes(b, "little") for n, b in enumerate(blocks) if n > 1}
    words[mapdisk.HEADER] = 0
    return _Disk(kept, words, dict(words), [blocks[0]])


@frozen
class Request:
    """Which request runs, with which fault; `called` is what the simulation knows it by."""

    mutant: HarnessMutant = SHIPPED
    rewrite: Rewrite = lambda make, _: make()
    called: str = ""

    def run(self, name: str) -> Any:
        ask = Ask(name)
        return self.rewrite(lambda: generator(self.mutant, GEOMETRY, Options(), ask), ask)


def _states(
    request: Request, name: str, meanwhile: bool, kept: Callable[[int], Condition]
) -> Iterator[tuple[str, _Disk, bool]]:
    """The disk after every effect of the request, and whether a host has written `meanwhile`.

    All effects work. The host's write comes before the request has its grains.
    """
    marked = False
    maps = (_map(_COPIED), _map(_MODIFIED))
    disk = _disk(kept, maps)
    mapfile = request.mutant.mapfile(IDENTITY, _OLD)
    memory = Memory(GEOMETRY.grains, Standing.TRACKING, *(m.copy() for m in maps))
    running = request.run(name)
    effect = running.send(None)
    while True:
        result: Any = None
        match effect:
            case effects.AcquireCopier() | effects.AcquireGrains():
                result = State.COPYING
                if meanwhile and isinstance(effect, effects.AcquireGrains):
                    memory.mark_diverged((_WRITTEN,))
                    disk.write(mapfile.save(memory, (_WRITTEN,)))
                    disk.flush()
                    marked = True
            case effects.Prepare(point):
                writes = mapfile.prepare(memory, point)
                disk.write(writes)
                result = bool(writes)
            case effects.Commit(standing):
                disk.write(mapfile.commit(standing))
            case effects.Flush(devices) if MAP in devices:
                disk.flush()
            case effects.Adopt(standing):
                mapfile.adopt(memory, standing)
            case _:
                pass
        yield type(effect).__name__, disk, marked
        try:
            effect = running.send(result)
        except StopIteration:
            return


def is_old_or_new(request: Request, name: str, meanwhile: bool, kept: Any) -> Statement:
    """After every effect a crash leaves the old maps or the new ones, as the header says."""
    claims = []
    for _, disk, marked in _states(request, name, meanwhile, kept):
        claims.append(_is_whole(disk, name, marked))
    claims.append(same(disk.after[mapdisk.HEADER], len(disk.headers) - 1))
    return Statement(given=True, claim=conj(*claims, len(disk.headers) == 2))


def _is_whole(disk: _Disk, name: str, marked: bool) -> Condition:
    """Each header that may survive, with the maps that go with it."""
    claims = []
    for number, data in enumerate(disk.headers):
        page = data + encode_first_page(IDENTITY, _OLD)[bitmap.SECTOR :]
        _, header = decode_first_page(page)
        survives = same(disk.after[mapdisk.HEADER], number)
        right = conj(
            *(
                same(disk.after[block], value)
                for block, value in _expected(name, header, number > 0, marked)
            )
        )
        claims.append(disj(_not(survives), right))
    return conj(*claims)


def _not(condition: Condition) -> Condition:
    return ite(condition, False, True)


@cache
def _expected(name: str, header: Header, new: bool, marked: bool) -> list[tuple[int, int]]:
    """The words of both maps, old or new, where the header says they are."""
    copied, modified = _map(_COPIED), _map(_MODIFIED)
    for bits in (copied, modified) if marked else ():
        bits[_WRITTEN.start : _WRITTEN.stop] = 1
    if new:
        cleared = bitmap.make(GEOMETRY.grains)
        copied = copied & ~modified if name == "sync" else cleared
        modified = cleared
    words = []
    for which, bits in enumerate((copied, modified)):
        raw = bits.tobytes()
        for word in range(_WORDS):
            block = mapdisk.word_of(GEOMETRY, header.area, which, word * mapdisk.WORD_GRAINS)
            at = word * mapdisk.WORD
            words.append((block, int.from_bytes(raw[at : at + mapdisk.WORD], "little")))
    return words


def is_old_new_or_refused(decode: Any, lost: int) -> Statement:
    """Without DISK-2: some words of the new header are lost, as the bits of `lost` say."""
    old = encode_header(IDENTITY, _OLD)
    new = encode_header(IDENTITY, Header(8, Standing.TRACKING, 1))
    differing = [
        at
        for at in range(0, bitmap.SECTOR, mapdisk.WORD)
        if old[at : at + mapdisk.WORD] != new[at : at + mapdisk.WORD]
    ]
    torn = bytearray(new)
    for number, at in enumerate(differing):
        if lost >> number & 1:
            torn[at : at + mapdisk.WORD] = old[at : at + mapdisk.WORD]
    try:
        header = decode(bytes(torn))
    except MapFileError:
        return Statement(given=len(differing) == 3, claim=True)
    return Statement(
        given=len(differing) == 3, claim=bytes(torn) in (old, new) and header is not None
    )


def _decode(sector: bytes) -> Header:
    rest = encode_first_page(IDENTITY, _OLD)[bitmap.SECTOR :]
    return decode_first_page(sector + rest)[1]


def _decode_unchecked(sector: bytes) -> Header:
    return Header(sector[28], Standing(sector[36]), sector[37])


def picture(request: Request, name: str, meanwhile: bool, kept: Any) -> Picture:
    """The effect after which a crash is wrong."""
    for effect, disk, marked in _states(request, name, meanwhile, kept):
        if _is_whole(disk, name, marked) is not True:
            survived = sum(map(kept, range(disk.written)))
            lines = (
                f"a crash after {effect} of {name}",
                f"of {disk.written} words written so far, {survived} survive",
                f"the header found is number {disk.after[mapdisk.HEADER]}, its maps are a mixture",
            )
            return Picture(lines)
    return Picture((f"the header of {name} is not durable at its end",))


def trace(
    _: str, request: Request, /, *, name: str, meanwhile: bool, kept: Callable[[int], bool]
) -> Trace | None:
    """The crash as a run of the simulation."""
    left = []
    for _effect, disk, marked in _states(request, name, meanwhile, kept):
        left.append(dict(disk.after))
        if _is_whole(disk, name, marked) is not True:
            break
    return trace_of(
        request.called or request.mutant.name,
        name,
        (_map(_COPIED), _map(_MODIFIED)),
        _WRITTEN if meanwhile else None,
        iter(left),
    )


def _torn_picture(_: Any, lost: int) -> Picture:
    words = [str(number) for number in range(3) if lost >> number & 1]
    return Picture((f"of the three words that change, those numbered {', '.join(words)} are lost",))


def obligations() -> tuple[Obligation, ...]:
    """Of sync and start on the map file."""
    by = {point.name: point for point in points()}
    flush, commit = "_move_point_in_time: Flush", "_move_point_in_time: Commit"
    return (
        Obligation(
            name="mapfile.flip",
            clauses=("CRASH-3", "ORDER-4", "DISK-2", "DISK-4"),
            says="Whichever words of the map file survive a crash during a sync or start, the maps"
            " found are the old ones or the new ones, and after it the new ones.",
            variables={
                "name": OneOf(("sync", "start")),
                "meanwhile": OneOf((False, True)),
                "kept": Function((NUMBER,), BIT),
            },
            subject=Request(),
            state=is_old_or_new,
            mutants=(
                Mutant(
                    "commit before the maps are durable", Request(by_name("commit-before-maps"))
                ),
                Mutant("new maps over the old ones", Request(by_name("point-in-place"))),
                Mutant("header not flushed", Request(by_name("header-not-flushed"))),
                Mutant("map-truncated", Request(by_name("map-truncated"))),
                Mutant(
                    "commit before flush",
                    Request(
                        rewrite=swapped(by[flush], by[commit]), called=f"{commit} before {flush}"
                    ),
                ),
                Mutant(UNFLUSHED, Request(rewrite=unflushed, called=UNFLUSHED)),
            ),
            picture=picture,
            trace=trace,
        ),
        Obligation(
            name="mapfile.torn-header",
            clauses=("DISK-2", "MAP-2"),
            says="A header of which any words are lost is the old one, the new one, or refused.",
            variables={"lost": OneOf(range(8))},
            subject=_decode,
            state=is_old_new_or_refused,
            picture=_torn_picture,
            mutants=(Mutant("header believed without its checksum", _decode_unchecked),),
        ),
    )
