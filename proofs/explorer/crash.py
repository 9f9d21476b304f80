"""Everything that a crash now can leave, judged at once and exactly.

What survives is chosen independently for the header, for each bit of the maps, and for each block
of either volume (`block`, `mapdisk`). So with a header and a grain's copied bits given, the
outcomes are a *product*: each block of the source, and of the target where it counts, holds any
content of its set, whatever the others hold. And what is right in a world is a product as well:
each block on its own must hold one of that world's contents. Three facts follow, and no outcome
needs to be listed.

- With one world, all outcomes are right if and only if each block's set lies within that world's.
- With two, a start or sync being in flight, each outcome must lie in one of them *as a whole*
  (CRASH-3). Let a block be bad for a world if its set does not lie within that world's. If no
  block is bad for one of the worlds, all is right. Else take a block bad for the old world and
  one bad for the new: if they can be chosen different, the outcome that is wrong in both is there.
  They cannot only if the same single block is bad for both; then its set must lie within the union.
- An uncopied grain reads from the source, so there one content must be right for both volumes:
  the source's set must lie within the intersection.

A grain that a crash can leave copied and not modified needs equal sides in every outcome (INV-1):
both sets must be the same single content. That a sync after the crash is right follows from this,
for what is then on the devices is one of the explorer's own initial states (`starts`).

`tests/test_explorer_crash.py` holds this against the list of all subsets, each recovered by the
shipped code.
"""

from collections.abc import Iterator
from itertools import product

from attrs import frozen

from flashcopy.impl.effect import Standing
from flashcopy.proofs.explorer.block import Block
from flashcopy.proofs.explorer.mapdisk import MapDisk

Complaint = tuple[str, str]


@frozen
class Fit:
    """How a set of contents fits the two worlds; without a new world it never fits that one."""

    old: bool
    new: bool
    either: bool


@frozen
class BlockOutlook:
    """What a crash can leave of one block, as far as it matters.

    `source` and `target` are the sides by themselves, `fake` the source read as both volumes;
    `equal` is whether both sides hold one and the same content whatever survives.
    """

    source: Fit
    target: Fit
    fake: Fit
    equal: bool


@frozen
class Kept:
    """One header a crash can leave, and for each grain the copied and modified bits with it."""

    standing: Standing
    copied: tuple[frozenset[bool], ...]
    modified: tuple[frozenset[bool], ...]


@frozen
class MapOutlook:
    """What a crash can leave of the map file, and which standings are right in either world."""

    kept: frozenset[Kept]
    old: frozenset[Standing]
    new: frozenset[Standing]


@frozen
class Recovered:
    """What a crash can leave of a map file: the standing, and for each grain both bits."""

    standing: Standing
    bits: tuple[tuple[bool, bool], ...]


def outlook_of_block(block: Block) -> BlockOutlook:
    """What matters of a block when the power fails."""
    old, new = block.old, block.new
    return BlockOutlook(
        source=_fit(block.sources, old.sources, new.sources if new else None),
        target=_fit(block.targets, old.targets, new.targets if new else None),
        fake=_fit(
            block.sources,
            old.sources & old.targets,
            new.sources & new.targets if new else None,
        ),
        equal=block.sources == block.targets and block.sources.bit_count() == 1,
    )


def outlook_of_map(disk: MapDisk) -> MapOutlook:
    """What matters of the map file when the power fails."""
    kept = set()
    for heading in disk.headings:
        copied, modified = (
            tuple(frozenset(word.after_crash) for word in disk.bits(heading.area, which))
            if heading.standing is Standing.TRACKING
            else ()
            for which in (0, 1)
        )
        kept.add(Kept(heading.standing, copied, modified))
    return MapOutlook(frozenset(kept), disk.old, disk.new)


def complaint(disk: MapOutlook, grains: tuple[tuple[BlockOutlook, ...], ...]) -> Complaint | None:
    """What is wrong with something a crash can leave; None if nothing is."""
    for kept in disk.kept:
        worlds = (kept.standing in disk.old, kept.standing in disk.new)
        if not any(worlds):
            return "CRASH-3", f"after the crash the relationship is {kept.standing.name.lower()}"
        for copied in _copied_bits(kept, len(grains)):
            fits = list(_fits(kept.standing, copied, grains))
            if not _is_right(fits, *worlds):
                return _clause(fits, worlds), _tell(kept.standing, copied)
        if kept.standing is not Standing.TRACKING:
            continue
        for grain, blocks in enumerate(grains):
            clean = True in kept.copied[grain] and False in kept.modified[grain]
            if clean and not all(block.equal for block in blocks):
                return "INV-1", f"after the crash grain {grain} can be clean and not equal"
    return None


def recovered(disk: MapOutlook) -> Iterator[Recovered]:
    """Everything that a crash can leave to be opened (REC-1)."""
    for kept in disk.kept:
        if kept.standing is not Standing.TRACKING:
            yield Recovered(kept.standing, ())
            continue
        each = [
            {(c, m) for c in copied for m in modified}
            for copied, modified in zip(kept.copied, kept.modified, strict=True)
        ]
        for bits in product(*each):
            yield Recovered(kept.standing, bits)


def _fit(bits: int, old: int, new: int | None) -> Fit:
    return Fit(
        old=not bits & ~old,
        new=new is not None and not bits & ~new,
        either=not bits & ~(old | (new or 0)),
    )


def _copied_bits(kept: Kept, grains: int) -> Iterator[tuple[bool, ...]]:
    """REC-1: where nothing is tracked every grain counts as copied."""
    if kept.standing is not Standing.TRACKING:
        return iter([(True,) * grains])
    return product(*kept.copied)


def _fits(
    standing: Standing, copied: tuple[bool, ...], grains: tuple[tuple[BlockOutlook, ...], ...]
) -> Iterator[Fit]:
    """How everything that is read after the crash fits, block by block."""
    for is_copied, blocks in zip(copied, grains, strict=True):
        for block in blocks:
            if standing is Standing.STOPPED:
                yield block.source
            elif is_copied:
                yield block.source
                yield block.target
            else:
                yield block.fake


def _is_right(fits: list[Fit], in_old: bool, in_new: bool) -> bool:
    """The second fact above, where both worlds have this standing."""
    bad_old = {at for at, fit in enumerate(fits) if not fit.old}
    bad_new = {at for at, fit in enumerate(fits) if not fit.new}
    if (in_old and not bad_old) or (in_new and not bad_new):
        return True
    if not (in_old and in_new) or bad_old != bad_new or len(bad_old) != 1:
        return False
    return fits[bad_old.pop()].either


def _clause(fits: list[Fit], worlds: tuple[bool, bool]) -> str:
    if all(worlds) or worlds[1]:
        return "CRASH-3"
    return "CRASH-2" if any(not fit.old for fit in fits) else "CRASH-3"


def _tell(standing: Standing, copied: tuple[bool, ...]) -> str:
    uncopied = [str(grain) for grain, bit in enumerate(copied) if not bit]
    bits = f" with grain {' and '.join(uncopied)} uncopied" if uncopied else ""
    return f"a crash can leave blocks that are right in no world, {standing.name.lower()}{bits}"
