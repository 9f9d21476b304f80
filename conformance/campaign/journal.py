"""The journal of a campaign: what is done is written down, so that it need not be done twice.

One JSON object a line: first the campaign, then an outcome each, as they come. A line is written at
once and flushed to the disk; if the end of the last one is missing, because the machine failed just
then, its case counts as not done. Only one campaign at a time writes to a journal.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import cattrs

from flashcopy.conformance.adapter import Hello
from flashcopy.conformance.campaign.cases import Campaign, Case, Outcome
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import Check
from flashcopy.model.trace import Trace, dumps, loads

NAME = "campaign.jsonl"
FORMAT = "flashcopy-campaign"
VERSION = 1


class JournalError(ValueError):
    """A journal that cannot be used; the message says which and why."""


@attrs.define
class Journal:
    """An open journal: the campaign it is of, None if it is new, and what came of it so far."""

    path: Path
    campaign: Campaign | None
    done: list[Outcome]
    _descriptor: int

    def begin(self, campaign: Campaign) -> None:
        """Write the first line of a new journal."""
        self.campaign = campaign
        fields = _CONVERTER.unstructure(campaign)
        self._append({"format": FORMAT, "version": VERSION, "campaign": fields})

    def add(self, outcome: Outcome) -> None:
        """Write down what came of a case."""
        self.done.append(outcome)
        self._append(_CONVERTER.unstructure(outcome))

    def _append(self, fields: dict[str, Any]) -> None:
        line = memoryview(json.dumps(fields).encode() + b"\n")
        while line:
            line = line[os.write(self._descriptor, line) :]
        os.fsync(self._descriptor)


@contextmanager
def opened(directory: Path, *, resume: bool) -> Iterator[Journal]:
    """The journal in a directory; a new one, unless there is one to go on with.

    Raises JournalError if there is one and it is not asked for, or the other way round, or if it
    is none, or is being written by somebody else.
    """
    path = directory / NAME
    if resume and not path.exists():
        raise JournalError(f"{path}: there is no campaign to resume")
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        _lock(descriptor, path)
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if whole and not resume:
            raise JournalError(
                f"{path} is the journal of an earlier campaign: go on with it by --resume,"
                " or give another --report"
            )
        if resume and not whole:
            raise JournalError(f"{path}: there is no campaign to resume")
        campaign, done = _read(path, whole)
        os.ftruncate(descriptor, len(whole))
        yield Journal(path, campaign, done, descriptor)
    finally:
        os.close(descriptor)


def require_same(campaign: Campaign, journal: Journal) -> None:
    """Raises JournalError if the journal is of another campaign than this one."""
    for name, asked in attrs.asdict(campaign, recurse=False).items():
        written = getattr(journal.campaign, name)
        if asked != written:
            raise JournalError(
                f"{journal.path} is of another campaign: its {name} {_is(written)}, not"
                f" {_say(asked)}"
            )


def _is(value: object) -> str:
    return f"{'are' if isinstance(value, tuple) else 'is'} {_say(value)}"


def _say(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    if len(value) > 2 and value == tuple(range(value[0], value[0] + len(value))):
        return f"{value[0]} to {value[-1]}"
    return ", ".join(" ".join(each) if isinstance(each, tuple) else str(each) for each in value)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(f"{path} is being written by another campaign") from None


def _read(path: Path, text: bytes) -> tuple[Campaign | None, list[Outcome]]:
    """The campaign, and an outcome for each case: should one be there twice, the first."""
    campaign: Campaign | None = None
    done: dict[Case, Outcome] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            fields = json.loads(line)
            if campaign is None:
                if (fields.pop("format"), fields.pop("version")) != (FORMAT, VERSION):
                    raise ValueError("another format or version")
                campaign = _CONVERTER.structure(fields["campaign"], Campaign)
            else:
                outcome = _CONVERTER.structure(fields, Outcome)
                done.setdefault(outcome.case, outcome)
        except Exception as error:  # cattrs raises groups of whatever the classes raise
            raise JournalError(
                f"{path}, line {number}, is not of a campaign's journal: {error!r}"
            ) from None
    return campaign, list(done.values())


def _make_converter() -> cattrs.Converter:
    checks = {check.id: check for check in CHECKS}
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Check, lambda check: check.id)
    converter.register_structure_hook(Check, lambda id_, _: checks[id_])
    converter.register_unstructure_hook(Trace, dumps)
    converter.register_structure_hook(Trace, lambda text, _: loads(text))
    converter.register_unstructure_hook(
        Hello,
        lambda hello: {
            "name": hello.name,
            "version": hello.version,
            "capabilities": sorted(each.value for each in hello.capabilities),
        },
    )
    return converter


_CONVERTER = _make_converter()
