"""`flashcopy volume`: use the bundled implementation on files or block devices of your own.

    flashcopy volume create disk copy disk.map
    flashcopy volume start disk.map --copy
    flashcopy volume sync disk.map --copy
    flashcopy volume verify disk.map

Each command opens the relationship that the map file tells of, does one thing and closes it; so
writes to the source in between are tracked only if they too go through here (`volume write`) or
through a program that uses `flashcopy.impl`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from flashcopy.cli.size import SIZE
from flashcopy.cli.verify import verify_pair
from flashcopy.impl import FlashCopy, State, Status
from flashcopy.impl.copier import Pace
from flashcopy.impl.volume import PIECE, Volume

VIOLATION = 1

_map = click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path))
_side = click.argument("volume", type=click.Choice(["source", "target"]))
_offset = click.option("--offset", type=SIZE, default=0, help="First byte; K, M, G as for sizes.")
_rate = click.option("--rate", type=SIZE, help="Copy at most so many bytes a second.")
_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def volume() -> None:
    """Use the bundled implementation on real files.

    MAP is the map file of a relationship, which knows its source and target. Sizes are bytes and
    take the suffixes K, M, G and T. Exit status: 0 done, 1 `verify` found a violation, 2 wrong
    usage or input, or a file that failed.
    """


@volume.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@_map
@click.option("--grain", type=SIZE, default="64K", show_default=True, help="Unit of tracking.")
@click.option("--block", type=SIZE, default="4K", show_default=True, help="Atomic unit of I/O.")
@click.option("--read-only-target", is_flag=True, help="Refuse writes to the target.")
@click.option(
    "--keep-target",
    is_flag=True,
    help="If the target cannot be written, fail the write to the source; else give up the target.",
)
def create(
    source: Path,
    target: Path,
    map_file: Path,
    grain: int,
    block: int,
    read_only_target: bool,
    keep_target: bool,
) -> None:
    """Tie SOURCE to TARGET by a new map file MAP; neither of them changes."""
    with FlashCopy.create(
        source,
        target,
        map_file,
        grain_size=grain,
        block_size=block,
        target_writable=not read_only_target,
        keep_target=keep_target,
        background=False,
    ) as pair:
        _tell(pair)


@volume.command()
@_map
@click.option("--copy", "then_copy", is_flag=True, help="Then copy all grains.")
@_rate
def start(map_file: Path, then_copy: bool, rate: int | None) -> None:
    """Make the target the source as it is now."""
    pace = Pace(rate)
    with _open(map_file) as pair:
        pair.start()
        if then_copy:
            _copy(pair, pace)
        _tell(pair)


@volume.command()
@_map
@click.option("--copy", "then_copy", is_flag=True, help="Then copy the grains that differ.")
@_rate
def sync(map_file: Path, then_copy: bool, rate: int | None) -> None:
    """Make the target the source as it is now, and copy only what differs."""
    pace = Pace(rate)
    with _open(map_file) as pair:
        pair.sync()
        if then_copy:
            _copy(pair, pace)
        _tell(pair)


@volume.command()
@_map
def stop(map_file: Path) -> None:
    """End tracking; the target stays usable only if all was copied."""
    with _open(map_file) as pair:
        pair.stop()
        _tell(pair)


@volume.command()
@_map
@_rate
def copy(map_file: Path, rate: int | None) -> None:
    """Copy all grains that are not copied yet."""
    pace = Pace(rate)
    with _open(map_file) as pair:
        _copy(pair, pace)
        _tell(pair)


@volume.command()
@_map
@_json
def status(map_file: Path, as_json: bool) -> None:
    """Say what the relationship is at."""
    with _open(map_file) as pair:
        if as_json:
            click.echo(json.dumps(_as_json(pair)))
        else:
            _tell(pair)


@volume.command()
@_map
@_side
@_offset
@click.option("--length", type=SIZE, help="So many bytes; to the end if left out.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A new file, not stdout.",
)
def read(map_file: Path, volume: str, offset: int, length: int | None, output: Path | None) -> None:
    """Read from the source's or the target's image."""
    with _open(map_file) as pair:
        side: Volume = getattr(pair, volume)
        end = offset + length if length is not None else max(offset, side.size)
        side.check(offset, end - offset)  # before there is any output
        if output is None:
            _read_all(side, offset, end, sys.stdout.buffer)
        else:
            with _writing(output) as file:
                try:
                    _read_all(side, offset, end, file)
                except BaseException:
                    output.unlink()
                    raise


@volume.command()
@_map
@_side
@_offset
@click.argument("file", type=click.File("rb"), default="-")
def write(map_file: Path, volume: str, offset: int, file: IO[bytes]) -> None:
    """Write FILE, or standard input, to the source or the target, durably."""
    with _open(map_file) as pair:
        side: Volume = getattr(pair, volume)
        # All of it before any of it is written: what does not fit leaves the volume as it was.
        with tempfile.SpooledTemporaryFile(PIECE) as whole:
            # One byte more than fits is enough to see that it does not.
            length = _take_in(file, max(0, side.size - offset) + 1, whole)
            side.check(offset, length)
            whole.seek(0)
            # Nothing to write is a request, too: the volume may refuse it.
            for at in range(offset, offset + max(length, 1), PIECE):
                side.write(at, whole.read(PIECE))
        side.flush()


@volume.command()
@_map
@_json
def verify(map_file: Path, as_json: bool) -> None:
    """Compare both volumes: is every grain that is copied and not modified equal (INV-1)?"""
    with _open(map_file) as pair, _progress("verify", pair.geometry.grains) as bar:
        findings = verify_pair(pair, lambda grains: bar.advance(bar.task_ids[0], grains))
    if as_json:
        click.echo(json.dumps(findings.as_json()))
    else:
        click.echo(findings.describe())
    if findings.differing:
        sys.exit(VIOLATION)


def _open(map_file: Path) -> FlashCopy:
    return FlashCopy.open(map_file, background=False)


def _copy(pair: FlashCopy, pace: Pace) -> None:
    """COPY-6: batch after batch, at most at this rate."""
    grain_size = pair.geometry.grain_size
    before = pair.status()
    with _progress("copy", before.grains, done=before.copied) as bar:
        while copied := pair.copy(pace.limit(grain_size, PIECE // grain_size or 1)):
            bar.advance(bar.task_ids[0], copied)
            pace.copied(copied * grain_size, time.monotonic())
            time.sleep(pace.delay(time.monotonic()))


def _read_all(side: Volume, offset: int, end: int, output: IO[bytes]) -> None:
    for at in range(offset, end, PIECE):
        output.write(side.read(at, min(PIECE, end - at)))
    output.flush()


def _take_in(file: IO[bytes], most: int, whole: IO[bytes]) -> int:
    """Copy a file up to so many bytes; how many there were."""
    taken = 0
    while piece := file.read(min(PIECE, most - taken)):
        taken += whole.write(piece)
    return taken


def _writing(output: Path) -> IO[bytes]:
    """A new file, for an existing one could be the volume that is to be read."""
    try:
        return output.open("xb")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error


def _progress(what: str, grains: int, *, done: int = 0) -> Progress:
    """Progress in grains, on standard error, and only if that is a terminal."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} grains"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    progress.add_task(what, total=grains, completed=done)
    return progress


def _tell(pair: FlashCopy) -> None:
    click.echo(_in_words(pair.status()))


def _in_words(now: Status) -> str:
    # LIFE-2 counts every grain as copied in stopped; of a target that is no image, that misleads.
    what = (
        "the target is no usable image until the next start"
        if now.state is State.STOPPED
        else f"{now.copied} of {now.grains} grains copied"
    )
    return f"{now.state.value}: {what}, generation {now.generation}"


def _as_json(pair: FlashCopy) -> dict[str, object]:
    now = pair.status()
    return {
        "state": now.state.value,
        "copied": now.copied,
        "grains": now.grains,
        "generation": now.generation,
        "size": pair.geometry.size,
        "block_size": pair.geometry.block_size,
        "grain_size": pair.geometry.grain_size,
    }
