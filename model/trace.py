"""Traces: one JSON format for a sequence of requests and what came of them.

Wherever a trace comes from (a solver's counterexample, a schedule Hypothesis drew, a stateful
test, a live run), it has this form, and whatever has this form can be replayed and shown. A
trace says what was submitted, which request took its next step, what was answered, where the
power failed and what survived, where the implementation was killed, what it said it was at, and
where the relationship was opened again. A sequential trace simply answers each request before it
submits the next and leaves the steps out.

A solver's counterexample may begin anywhere, so a trace may say what is in caches and what is on
disks at first (`Durable`); that is new in version 2 of the format, and version 1 is read as ever.

The JSON is strict: another format, a newer version, an unknown field or a wrong type is refused
with the place where it stands.
"""

import json
from enum import Enum
from pathlib import Path
from typing import Any

import cattrs
from attrs import field, frozen
from cattrs.strategies import configure_tagged_union
from cattrs.v import format_exception

from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Operation, Outcome

FORMAT = "flashcopy-trace"
# Version 2 has Kill, PowerLoss and Status beside what version 1 has, and states that begin in the
# middle of things.
VERSION = 2
READ_VERSIONS = (1, 2)
# What version 1 did not have in an initial state.
_NEW_IN_2 = ("durable", "recorded", "doubtful")


class InvalidTraceError(ValueError):
    """A file or text that is no trace; the message says where and what."""


@frozen
class Submit:
    """A request is handed over. `request` numbers it from 0 in order of submission."""

    request: int
    operation: Operation


class Fault(Enum):
    """How a device fails the effect it was asked for: before it did anything, or after it did."""

    NONE = "none"
    LOST = "lost"
    LANDED = "landed"


@frozen
class Step:
    """A request in flight carries out its next effect; `effect` says which, for the reader."""

    request: int
    effect: str = ""
    fault: Fault = Fault.NONE


@frozen
class Answer:
    """A request is answered."""

    request: int
    outcome: Outcome


@frozen
class Crash:
    """The power fails: all memory is lost, and of the unflushed block writes all but `kept`.

    `kept` holds serial numbers, given to block writes in the order they were issued.
    """

    kept: tuple[int, ...]


@frozen
class Reopen:
    """The relationship is closed, unless a crash did that, and opened again."""


@frozen
class Kill:
    """The implementation is killed, as by SIGKILL: its memory is gone, its files stay.

    What was in flight is never answered.
    """


@frozen
class PowerLoss:
    """An implementation under test is told to lose what it has not flushed, as `seed` chooses.

    That is the wire protocol's request of the same name: it has recovered when it is answered.
    """

    seed: int


@frozen
class Status:
    """The relationship was asked what it is at, and said this; both counts are grains."""

    state: State
    copied: int
    grains: int


Entry = Submit | Step | Answer | Crash | Reopen | Kill | PowerLoss | Status


@frozen
class Durable:
    """What a crash at this moment would leave of a grain, and what else there is beside it.

    `source` and `target` are the durable contents of the two sides, block by block: where they
    differ from what the grain holds, a write is in the cache. `copied` and `modified` are the bits
    that the map file holds durably, `written_copied` and `written_modified` those last written to
    it. `settled` is what memory knows.
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    copied: bool
    modified: bool
    written_copied: bool
    written_modified: bool
    settled: bool


@frozen
class Initial:
    """A state a trace starts in when it does not start from two fresh volumes of zeros.

    `grains` are as readers and memory have them. Without `durable`, all of it is durable, and every
    modified grain settled; with it, there is one for each grain. `recorded` is the state that the
    map file's header says, where memory is in another one. `doubtful` names the devices (`source`,
    `target`, `map`) of which a flush has failed: what is in their caches may be lost for good.
    """

    state: State
    grains: tuple[Grain, ...]
    cursor: int = 0
    durable: tuple[Durable, ...] = ()
    recorded: State | None = None
    doubtful: tuple[str, ...] = ()


@frozen
class Trace:
    """A sequence of entries on one pair of volumes.

    `origin` says what made the trace, `clause` and `finding` what it shows to be wrong, if
    anything; `settings` holds what the maker needs to replay it (a mutant's name, say).
    """

    geometry: Geometry
    entries: tuple[Entry, ...]
    target_writable: bool = True
    initial: Initial | None = None
    origin: str = ""
    clause: str = ""
    finding: str = ""
    settings: dict[str, str] = field(factory=dict)


def dumps(trace: Trace) -> str:
    """The trace as JSON text, one entry a line, the same text for the same trace."""
    fields = _CONVERTER.unstructure(trace)
    entries = ",\n  ".join(json.dumps(entry) for entry in fields.pop("entries"))
    head = json.dumps({"format": FORMAT, "version": VERSION, **fields}, indent=1)[:-2]
    return f'{head},\n "entries": [\n  {entries}\n ]\n}}\n'


def loads(text: str) -> Trace:
    """The trace a JSON text holds. Raises InvalidTraceError."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise InvalidTraceError(f"not JSON: {error}") from None
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise InvalidTraceError(f'not a trace: no "format": "{FORMAT}" at its top level')
    version = fields.pop("version", None)
    if version not in READ_VERSIONS or type(version) is not int:
        known = " and ".join(map(str, READ_VERSIONS))
        raise InvalidTraceError(f"trace version {version!r}: this program reads {known}")
    initial = fields.get("initial")
    newer = [name for name in _NEW_IN_2 if isinstance(initial, dict) and name in initial]
    if version == 1 and newer:
        raise InvalidTraceError(f"trace.initial: version 1 has no {newer[0]!r}")
    try:
        return _CONVERTER.structure(fields, Trace)
    except Exception as error:  # cattrs raises groups of whatever the classes raise
        said = cattrs.transform_error(error, path="trace", format_exception=_say)
        raise InvalidTraceError("; ".join(said)) from None


def load(path: Path) -> Trace:
    """The trace in a file. Raises InvalidTraceError for a file that cannot be read, too."""
    try:
        return loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidTraceError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # InvalidTraceError among them, and bytes that are not UTF-8
        raise InvalidTraceError(f"{path}: {error}") from None


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for scalar in (int, str, bool):
        converter.register_structure_hook(scalar, _exactly)
    # Grains in a trace hold a content for each block; in the model they hold anything.
    converter.register_structure_hook(Any, lambda value, _: _plain(value))
    converter.register_unstructure_hook(Geometry, _geometry_fields)
    for union in (Operation, Outcome, Entry):
        configure_tagged_union(union, converter, tag_name="type")
    return converter


def _say(error: BaseException, type_: type | None) -> str:
    """What is wrong with a value, in the words of whoever refused it where there are any."""
    if isinstance(error, ValueError) and error.args:
        return str(error)
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing, or nothing known"
    return format_exception(error, type_)


def _geometry_fields(geometry: Geometry) -> dict[str, int]:
    """The sizes that define a geometry; the rest is derived from them."""
    return {name: getattr(geometry, name) for name in ("size", "block_size", "grain_size")}


def _exactly(value: object, type_: type) -> Any:
    """A scalar of just this type: no `"7"` for a number, no 1 for true."""
    if type(value) is not type_:
        raise ValueError(f"{value!r} is no {type_.__name__}")
    return value


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_CONVERTER = _make_converter()
