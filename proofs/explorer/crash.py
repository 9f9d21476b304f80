"""Everything that a crash now can leave, judged at once and exactly.

What survives is chosen independently for the header, for each bit of the maps, and for each block
of either volume (`block`, `mapdisk`). So with a header and a grain's copied bits given, the
outcomes are a *product*: each block of the source, and of the target where it counts, holds any
content of its set, whatever the others hold. And what is right in a world is a product as well:
each block on its own must hold one of that world's contents; of an uncopied grain, which reads from
the source, one that is right for both volumes. Each outcome must lie in one world *as a whole*
(CRASH-3), and there are several while a start or sync is in flight, or after one that failed.

So take for each block and each content that it can hold the set of the worlds in which that is
wrong. An outcome is wrong if and only if these sets, one from each block, together with the worlds
that its header is wrong in, are all the worlds. Blocks choose independently; so the unions that can
be reached are found block by block, and no outcome needs to be listed. Sets that lie within another
one of the same block can be left out.

A grain that a crash can leave copied and not modified needs equal sides in every outcome (INV-1):
both sets must be the same single content. That a sync after the crash is right follows from this,
for what is then on the devices is one of the explorer's own initial states (`starts`).

`tests/test_explorer_crash.py` holds this against the list of all subsets, each recovered by the
shipped code.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from attrs import frozen

from flashcopy.impl.effect import Standing
from flashcopy.proofs.explorer.block import Block, World, contents
from flashcopy.proofs.explorer.mapdisk import MapDisk

Complaint = tuple[str, str]


# Worlds as the bits of a number; and of a block that several contents can be in, one for each.
Worlds = int
Choices = tuple[Worlds, ...]


@frozen
class BlockOutlook:
    """What a crash can leave of one block, as far as it matters: in which worlds it is wrong.

    `source` and `target` are the sides by themselves, `fake` the source read as both volumes;
    `equal` is whether both sides hold one and the same content whatever survives.
    """

    source: Choices
    target: Choices
    fake: Choices
    equal: bool


@frozen
class Kept:
    """One header a crash can leave, and for each grain the copied and modified bits with it."""

    standing: Standing
    copied: tuple[frozenset[bool], ...]
    modified: tuple[frozenset[bool], ...]


@frozen
class MapOutlook:
    """What a crash can leave of the map file, and which standings are right in each world."""

    kept: frozenset[Kept]
    worlds: tuple[frozenset[Standing], ...]

    def wrong(self, standing: Standing) -> Worlds:
        """The worlds in which a standing is wrong."""
        return sum(1 << at for at, right in enumerate(self.worlds) if standing not in right)


@frozen
class Recovered:
    """What a crash can leave of a map file: the standing, and for each grain both bits."""

    standing: Standing
    bits: tuple[tuple[bool, bool], ...]


def outlook_of_block(block: Block) -> BlockOutlook:
    """What matters of a block when the power fails."""
    return BlockOutlook(
        source=_choices(block, block.sources, lambda world: world.sources),
        target=_choices(block, block.targets, lambda world: world.targets),
        fake=_choices(block, block.sources, lambda world: world.sources & world.targets),
        equal=block.sources == block.targets and block.sources.bit_count() == 1,
    )


def _choices(block: Block, bits: int, right: Callable[[World], int]) -> Choices:
    """In which worlds each content is wrong, without those that say less than another."""
    found = {
        sum(1 << at for at, world in enumerate(block.worlds) if not right(world) >> content & 1)
        for content in contents(bits)
    }
    return tuple(sorted(w for w in found if not any(w != o and w & o == w for o in found)))


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
    return MapOutlook(frozenset(kept), disk.worlds)


def complaint(disk: MapOutlook, grains: tuple[tuple[BlockOutlook, ...], ...]) -> Complaint | None:
    """What is wrong with something a crash can leave; None if nothing is."""
    every = (1 << len(disk.worlds)) - 1
    for kept in disk.kept:
        wrong = disk.wrong(kept.standing)
        if wrong == every:
            return "CRASH-3", f"after the crash the relationship is {kept.standing.name.lower()}"
        for copied in _copied_bits(kept, len(grains)):
            read = list(_read(kept.standing, copied, grains))
            if every in _unions(wrong, read):
                return _clause(every, wrong, copied, grains), _tell(kept.standing, copied)
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


def _unions(wrong: Worlds, blocks: list[Choices]) -> set[Worlds]:
    """Every set of worlds that an outcome of these blocks can be wrong in."""
    reached = {wrong}
    for choices in set(blocks):
        # Two blocks of the same choices can choose differently, three add nothing to that unless
        # there are as many choices.
        for _ in range(min(blocks.count(choices), len(choices))):
            reached = {before | chosen for before in reached for chosen in choices}
    return reached


def _copied_bits(kept: Kept, grains: int) -> Iterator[tuple[bool, ...]]:
    """REC-1: where nothing is tracked every grain counts as copied."""
    if kept.standing is not Standing.TRACKING:
        return iter([(True,) * grains])
    return product(*kept.copied)


def _read(
    standing: Standing, copied: tuple[bool, ...], grains: tuple[tuple[BlockOutlook, ...], ...]
) -> Iterator[Choices]:
    """The choices of everything that is read after the crash, block by block."""
    for is_copied, blocks in zip(copied, grains, strict=True):
        for block in blocks:
            if standing is Standing.STOPPED:
                yield block.source
            elif is_copied:
                yield block.source
                yield block.target
            else:
                yield block.fake


def _clause(every: Worlds, wrong: Worlds, copied: tuple[bool, ...], grains: tuple[Any, ...]) -> str:
    """CRASH-3 if it can be a mixture; else a volume has lost, or shows, what it must not."""
    if every & ~wrong != 1:
        return "CRASH-3"
    sources = list(_read(Standing.STOPPED, copied, grains))
    return "CRASH-1" if every in _unions(wrong, sources) else "CRASH-2"


def _tell(standing: Standing, copied: tuple[bool, ...]) -> str:
    uncopied = [str(grain) for grain, bit in enumerate(copied) if not bit]
    bits = f" with grain {' and '.join(uncopied)} uncopied" if uncopied else ""
    return f"a crash can leave blocks that are right in no world, {standing.name.lower()}{bits}"
