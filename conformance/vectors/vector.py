"""A vector: requests of the wire protocol, and for each the answers that are admissible.

A vector begins with `create` and is asked one request after the other. Almost every request has
one admissible answer; where the specification leaves something open (how far an implementation
copies by itself, what of an unflushed write survives a kill) there are several, or a range. Its
`looks_for` says which fault it is after and what that would do to somebody's data.

Data is not spelled out but said exactly: a run of blocks *holds* "zeros" or the content of a write,
"source 3", and `flashcopy.model.content` says the bytes of the block that such a content makes.
The JSON has the fields of these classes; what is None is left out. It is as strict as that of a
trace: an unknown field or a wrong type is refused with its place.
"""

import json
from enum import Enum
from typing import Any

import cattrs
from attrs import frozen
from cattrs.v import format_exception

from flashcopy.conformance.adapter import Capability

FORMAT = "flashcopy-vectors"
ZEROS = "zeros"


class InvalidVectorsError(ValueError):
    """A file or directory that holds no vectors this program can use; says which and why."""


class Kind(Enum):
    """How a fault shows: a wrong block in one of six ways, or a wrong answer."""

    STALE = "stale"
    TOO_NEW = "too new"
    TORN = "torn"
    MISPLACED = "misplaced"
    FOREIGN = "foreign"
    NEVER_WRITTEN = "never written"
    NOT_REFUSED = "not refused"
    WRONGLY_REFUSED = "wrongly refused"
    WRONG_STATE = "wrong state"
    WRONG_COUNT = "wrong count"
    WRONG_MAP = "wrong map"


class How(Enum):
    """How the implementation is ended before it is started again with `open`."""

    KILL = "kill"
    CLOSE = "close"


@frozen
class Run:
    """So many blocks in a row, each of which holds one of these contents."""

    blocks: int
    hold: tuple[str, ...]


@frozen
class Count:
    """A number that may be anything from `least` to `most`."""

    least: int
    most: int


@frozen
class Grains:
    """A map of which these bits must be set and these clear; the others may be either."""

    set: tuple[int, ...]
    clear: tuple[int, ...]


@frozen
class Result:
    """A result of the protocol; only the fields of its method are there."""

    data: tuple[Run, ...] | None = None
    state: str | None = None
    copied: Count | Grains | None = None
    modified: Grains | None = None
    grains: int | None = None


@frozen
class Answer:
    """An admissible answer: a result, or the `kind` of an error."""

    result: Result | None = None
    error: str | None = None


@frozen
class Request:
    """A request and its admissible answers.

    `params` are the protocol's but for two: `directory` is whoever runs the vector to say, and
    `data` is a list of runs (or, of no whole number of blocks, base64 as on the wire).
    """

    method: str
    params: dict[str, Any]
    answers: tuple[Answer, ...]


@frozen
class Restart:
    """The implementation is ended and started again: `hello`, then `open`."""

    restart: How


Step = Request | Restart


@frozen
class LooksFor:
    """The fault a vector is after. `fault` numbers its mechanism in the project's list, if there.

    `kind` is how it shows, `harm` what it would let happen.
    """

    kind: Kind
    fault: str
    mechanism: str
    harm: str


@frozen
class Vector:
    """A vector. `says` is what the implementation must do, `needs` what it must claim."""

    id: str
    says: str
    clauses: tuple[str, ...]
    needs: tuple[Capability, ...]
    looks_for: LooksFor
    steps: tuple[Step, ...]


@frozen
class VectorFile:
    """The vectors of one subject."""

    version: str
    subject: str
    vectors: tuple[Vector, ...]


def dumps(file: VectorFile) -> str:
    """The file as JSON text, one step a line, the same text for the same vectors."""
    head = {"format": FORMAT, "version": file.version, "subject": file.subject}
    opening = json.dumps(head, indent=1)[:-2]
    body = ",\n".join(_vector_text(vector) for vector in file.vectors)
    return f'{opening},\n "vectors": [\n{body}\n ]\n}}\n'


def loads(text: str, where: str) -> VectorFile:
    """The vectors a JSON text holds; `where` is its name. Raises InvalidVectorsError."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise InvalidVectorsError(f"{where}: not JSON: {error}") from None
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise InvalidVectorsError(f'{where}: no "format": "{FORMAT}" at its top level')
    try:
        return _CONVERTER.structure(fields, VectorFile)
    except Exception as error:  # cattrs raises groups of whatever the classes raise
        said = cattrs.transform_error(error, path="vectors", format_exception=_say)
        raise InvalidVectorsError(f"{where}: {'; '.join(said[:3])}") from None


def text_of(vector: Vector) -> str:
    """A vector's JSON, from which its digest is made."""
    return json.dumps(_CONVERTER.unstructure(vector))


def _vector_text(vector: Vector) -> str:
    fields = _CONVERTER.unstructure(vector)
    steps = ",\n    ".join(json.dumps(step) for step in fields.pop("steps"))
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()]
    return "  {\n   " + ",\n   ".join(lines) + f',\n   "steps": [\n    {steps}\n   ]\n  }}'


def _say(error: BaseException, type_: type | None) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, ValueError) and error.args:
        return str(error)
    return format_exception(error, type_)


def _exactly(value: object, type_: type) -> Any:
    """A scalar of just this type: no `"7"` for a number, no 1 for true."""
    if type(value) is not type_:
        raise ValueError(f"{value!r} is no {type_.__name__}")
    return value


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(
        forbid_extra_keys=True, detailed_validation=True, omit_if_default=True
    )
    for scalar in (int, str, bool):
        converter.register_structure_hook(scalar, _exactly)
    return converter


_CONVERTER = _make_converter()
