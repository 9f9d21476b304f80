"""One relationship's whole life on a real disk image, compared byte for byte.

Start, writes to both volumes and fake reads while the background copy runs, sync, a process that
is killed in the middle of its writes, reopening, completion. A plain list of what each block
must hold is kept beside it; at the end the two files hold exactly those bytes, and after one more
sync and completion the target's file is the source's.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from attrs import define, field

from flashcopy.conformance.blocks import content_of, fill
from flashcopy.harness.bundled import carry_out
from flashcopy.harness.result import Finding, Progress, Result, ViolationError, silent
from flashcopy.harness.victim import random_write
from flashcopy.impl import FlashCopy
from flashcopy.model.content import UnreadableBlockError
from flashcopy.model.geometry import Geometry, blocks_of_request
from flashcopy.model.images import Volume
from flashcopy.model.operation import Contents, Read, Start, Sync, Write

BLOCK = 4096
GRAIN = 65536
MIB = 1 << 20
# Slow enough that requests meet uncopied grains, fast enough to be done in seconds.
RATE = 48 * MIB
WRITES = 400
READS = 200


@define
class Life:
    """A relationship in use, and what every block of its volumes must hold."""

    directory: Path
    geometry: Geometry
    chance: random.Random
    contents: Iterator[int] = field(factory=lambda: count(1))
    source: list[int] = field(factory=list)
    target: list[int] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    def image(self, volume: Volume) -> list[int]:
        """What the blocks of a volume must hold."""
        return self.source if volume is Volume.SOURCE else self.target

    def fresh(self) -> list[int]:
        """A content of its own for every block of a volume."""
        return list(islice(self.contents, self.geometry.blocks))


def run(mebibytes: int, random_seed: int, progress: Progress = silent) -> Result:
    """The whole life on volumes of about that size, in a temporary directory."""
    began = time.monotonic()
    # One block more than whole grains, so that the last grain is short.
    geometry = Geometry(mebibytes * MIB + BLOCK, BLOCK, GRAIN)
    finding = None
    with tempfile.TemporaryDirectory(prefix="flashcopy-") as directory:
        life = Life(Path(directory), geometry, random.Random(random_seed))
        try:
            _live(life, progress)
        except ViolationError as error:
            finding = error.finding
        except UnreadableBlockError as error:
            finding = Finding("READ-2", str(error))
    counts = dict(life.counts)
    return Result(
        part="end to end",
        amount=f"{mebibytes} MiB, {counts.get('writes', 0)} writes,"
        f" {counts.get('fake reads', 0)} fake reads, 1 kill",
        seconds=time.monotonic() - began,
        finding=finding,
        counts=counts,
        repeat=f"flashcopy check --seed {random_seed}",
    )


def _live(life: Life, progress: Progress) -> None:
    directory = life.directory
    life.source, life.target = life.fresh(), life.fresh()
    for volume in Volume:
        data = fill(life.geometry, volume, life.image(volume))
        (directory / volume.value).write_bytes(data)
    progress(0.2, "images written")
    with FlashCopy.create(
        directory / "source",
        directory / "target",
        directory / "map",
        block_size=BLOCK,
        grain_size=GRAIN,
    ) as flashcopy:
        flashcopy.set_rate(RATE)
        for request in (Start(), Sync()):
            carry_out(flashcopy, life.geometry, request)
            life.target = list(life.source)
            _use(flashcopy, life)
        progress(0.4, "started, synced, used while copying")
    _kill_while_writing(life)
    with FlashCopy.open(directory / "map") as flashcopy:
        _compare_images(flashcopy, life)
        progress(0.6, "killed, reopened, compared")
        _use(flashcopy, life)
        flashcopy.wait()
        _compare_files(life)
        progress(0.8, "completed, compared")
        carry_out(flashcopy, life.geometry, Sync())
        life.target = list(life.source)
        flashcopy.wait()
        _compare_images(flashcopy, life)
        _compare_files(life)
        progress(1.0, "synced, completed, compared")


def _use(flashcopy: FlashCopy, life: Life) -> None:
    """Write to both volumes and read the target, most of it not yet copied."""
    for _ in range(WRITES):
        write = random_write(life.chance, life.geometry, next(life.contents))
        carry_out(flashcopy, life.geometry, write)
        _note(life, write)
        life.counts["writes"] += 1
    for _ in range(READS):
        block = life.chance.randrange(life.geometry.blocks)
        grain = block // life.geometry.grain_blocks
        copied = flashcopy.bitmaps().copied[grain // 8] >> grain % 8 & 1
        life.counts["fake reads"] += not copied
        _compare_run(flashcopy, life, Volume.TARGET, range(block, block + 1))


def _note(life: Life, write: Write) -> None:
    blocks = blocks_of_request(life.geometry, write.offset, write.length)
    life.image(write.volume)[blocks.start : blocks.stop] = [write.content] * len(blocks)


def _kill_while_writing(life: Life) -> None:
    """SIGKILL a writing process; the write it was not answered may be there or not."""
    first = next(life.contents)
    command = [sys.executable, "-m", "flashcopy.harness.victim", str(life.directory / "map")]
    begun: list[Write] = []
    with subprocess.Popen(
        [*command, str(first), str(life.chance.random())], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        for line in islice(victim.stdout, 2 * WRITES + life.chance.randrange(100)):
            begun += _note_said(life, line)
        victim.kill()
        for line in victim.stdout:
            begun += _note_said(life, line)
    if victim.returncode != -signal.SIGKILL:
        raise ViolationError(
            Finding("REC-1", f"the process to be killed ended by itself: {victim.returncode}")
        )
    last = begun[-1]
    life.contents = count(last.content + 1)
    with FlashCopy.open(life.directory / "map") as flashcopy:
        for block in blocks_of_request(life.geometry, last.offset, last.length):
            seen = _read(flashcopy, life, last.volume, range(block, block + 1))[0]
            if seen == last.content:
                life.image(last.volume)[block] = seen


def _note_said(life: Life, line: str) -> list[Write]:
    """Take note of a line of the victim's. Gives the write it begins, if it begins one."""
    word, volume, *numbers = line.split()
    write = Write(Volume(volume), *map(int, numbers))
    if word == "begin":
        return [write]
    _note(life, write)
    life.counts["writes"] += 1
    return []


def _compare_images(flashcopy: FlashCopy, life: Life) -> None:
    """Read both volumes whole, a mebibyte at a time."""
    step = MIB // BLOCK
    for volume in Volume:
        for first in range(0, life.geometry.blocks, step):
            run = range(first, min(first + step, life.geometry.blocks))
            _compare_run(flashcopy, life, volume, run)


def _compare_run(flashcopy: FlashCopy, life: Life, volume: Volume, blocks: range) -> None:
    seen = _read(flashcopy, life, volume, blocks)
    expected = life.image(volume)[blocks.start : blocks.stop]
    for block, want, got in zip(blocks, expected, seen, strict=True):
        if want != got:
            clause = "READ-1" if volume is Volume.SOURCE else "READ-2"
            raise ViolationError(
                Finding(clause, f"{volume.value} block {block} must hold {want}, it holds {got}")
            )


def _read(flashcopy: FlashCopy, life: Life, volume: Volume, blocks: range) -> tuple[int, ...]:
    request = Read(volume, blocks.start * BLOCK, len(blocks) * BLOCK)
    outcome = carry_out(flashcopy, life.geometry, request)
    if not isinstance(outcome, Contents):
        raise ViolationError(Finding("READ-1", f"{request} was refused: {outcome}"))
    life.counts["reads"] += 1
    return outcome.contents


def _compare_files(life: Life) -> None:
    """With everything copied, the files themselves hold the images, byte for byte."""
    for volume in Volume:
        data = (life.directory / volume.value).read_bytes()
        for block, content in enumerate(life.image(volume)):
            seen = content_of(volume, block, data[block * BLOCK : (block + 1) * BLOCK])
            if seen != content:
                raise ViolationError(
                    Finding(
                        "INV-1",
                        f"{volume.value} file, block {block}: must hold {content}, holds {seen}",
                    )
                )
