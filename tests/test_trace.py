"""Traces as JSON: what is written is read back, and nothing else is taken for a trace.

A replay judges answers by READ-1 and READ-2, as whoever made the trace did.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flashcopy.cli.replay import replay
from flashcopy.cli.show import show
from flashcopy.harness.replay import replay as run_again
from flashcopy.model import operation as op
from flashcopy.model import volume as model
from flashcopy.model.geometry import Geometry
from flashcopy.model.grain import Grain
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.trace import (
    Answer,
    Crash,
    Fault,
    Initial,
    InvalidTraceError,
    Kill,
    PowerLoss,
    Reopen,
    Status,
    Step,
    Submit,
    Trace,
    dumps,
    load,
    loads,
)

GEOMETRY = Geometry(3 * 512, 512, 1024)
NUMBERS = st.integers(0, 1 << 40)
VOLUMES = st.sampled_from(Volume)
OPERATIONS = st.one_of(
    st.builds(op.Read, VOLUMES, NUMBERS, NUMBERS),
    st.builds(op.Write, VOLUMES, NUMBERS, NUMBERS, NUMBERS),
    st.builds(op.WriteZeroes, VOLUMES, NUMBERS, NUMBERS),
    st.builds(op.Flush, VOLUMES),
    st.sampled_from([op.Start(), op.Sync(), op.Stop()]),
    st.builds(op.BackgroundCopy, st.none() | NUMBERS),
)
OUTCOMES = st.one_of(
    st.just(op.Done()),
    st.builds(op.Contents, st.lists(NUMBERS).map(tuple)),
    st.builds(op.Copied, NUMBERS),
    st.builds(op.Refused, st.sampled_from(op.Refusal)),
)
ENTRIES = st.one_of(
    st.builds(Submit, NUMBERS, OPERATIONS),
    st.builds(Step, NUMBERS, st.text(), st.sampled_from(Fault)),
    st.builds(Answer, NUMBERS, OUTCOMES),
    st.builds(Crash, st.lists(NUMBERS).map(tuple)),
    st.sampled_from([Reopen(), Kill()]),
    st.builds(PowerLoss, NUMBERS),
    st.builds(Status, st.sampled_from(State), NUMBERS, NUMBERS),
)
SIDES = st.lists(NUMBERS, min_size=1, max_size=4).map(tuple)
TRACES = st.builds(
    Trace,
    geometry=st.sampled_from([GEOMETRY, Geometry(65536, 4096, 8192)]),
    entries=st.lists(ENTRIES, max_size=6).map(tuple),
    target_writable=st.booleans(),
    initial=st.none()
    | st.builds(
        Initial,
        st.sampled_from(State),
        st.lists(st.builds(Grain, SIDES, SIDES, st.booleans(), st.booleans())).map(tuple),
        NUMBERS,
    ),
    origin=st.text(),
    clause=st.text(),
    finding=st.text(),
    settings=st.dictionaries(st.text(), st.text(), max_size=2),
)
PLAIN = Trace(
    GEOMETRY,
    (
        Submit(0, op.Write(Volume.SOURCE, 0, 512, 7)),
        Answer(0, op.Done()),
        Submit(1, op.Start()),
        Answer(1, op.Done()),
        Submit(2, op.BackgroundCopy(None)),
        Answer(2, op.Copied(2)),
        Submit(3, op.Read(Volume.TARGET, 0, 1536)),
        Answer(3, op.Contents((7, 0, 0))),
    ),
)


@given(TRACES)
def test_what_is_written_is_read_back(trace: Trace) -> None:
    again = loads(dumps(trace))
    assert again == trace
    assert dumps(again) == dumps(trace)
    assert again.geometry.grains == trace.geometry.grains


def broken(**changes: object) -> str:
    fields = json.loads(dumps(PLAIN))
    for path, value in changes.items():
        at, *rest = path.split("__")
        inner = fields
        while rest:
            inner = inner[int(at) if at.isdigit() else at]
            at, *rest = rest
        inner[at] = value
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[1, 2]", "not a trace"),
        ('{"format": "something"}', "not a trace"),
        (broken(version=3), "trace version 3"),
        (broken(version=True), "trace version True"),
        (broken(version="1"), "trace version '1'"),
        (broken(colour="red"), "colour"),
        (broken(target_writable=1), "1 is no bool"),
        (broken(geometry__size="1536"), "'1536' is no int"),
        (broken(geometry__size=1000), "not a multiple of the block size"),
        (broken(geometry__blocks=3), "blocks"),
        (broken(entries__0__request=True), "True is no int"),
        (broken(entries__0__type="Jump"), "Jump"),
        (broken(entries__0__operation__volume="middle"), "middle"),
        (broken(entries__0__operation__content=1.5), "1.5 is no int"),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(InvalidTraceError) as caught:
        loads(text)
    assert says in str(caught.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidTraceError, match="No such file"):
        load(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidTraceError, match="bytes"):
        load(tmp_path / "bytes")


def test_the_first_version_is_still_read() -> None:
    assert loads(broken(version=1)) == PLAIN


def test_what_it_said_it_was_at_is_compared() -> None:
    """LIFE-1: copying and copied may differ, for one may copy more than another."""
    said = Status(State.COPYING, 1, 2), Kill(), Reopen(), Status(State.COPIED, 2, 2)
    right = Trace(GEOMETRY, (*PLAIN.entries, *said))
    assert [run.finding for run in run_again(right)] == [None, None]
    for run in run_again(Trace(GEOMETRY, (*right.entries, Status(State.STOPPED, 2, 2)))):
        assert run.finding is not None
        assert "the state is copied; the trace says stopped" in run.finding.explanation


def test_nobody_else_can_lose_power_by_a_seed() -> None:
    runs = run_again(Trace(GEOMETRY, (*PLAIN.entries, PowerLoss(7), Submit(4, op.Start()))))
    assert ["up to entry 8, a loss of power" in run.note for run in runs] == [True, True]


def test_events_that_are_no_requests_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    events = (Kill(), Reopen(), PowerLoss(7), Status(State.COPIED, 2, 2), Crash((1, 2)))
    path.write_text(dumps(Trace(GEOMETRY, (*PLAIN.entries, *events))))
    shown = CliRunner().invoke(show, [str(path)]).output
    assert "loses power (seed 7) and recovers" in shown
    assert "status: copied, 2 of 2 grains copied" in shown
    assert "unflushed writes that survive: 1, 2" in shown


def test_sequential_trace_runs_on_model_and_simulation() -> None:
    runs = run_again(PLAIN)
    assert [run.ran_on for run in runs] == ["model", "simulation"]
    assert [run.finding for run in runs] == [None, None]


def test_wrong_answer_in_a_trace_is_found_by_both() -> None:
    lie = Answer(3, op.Contents((7, 0, 1)))
    for run in run_again(Trace(GEOMETRY, (*PLAIN.entries[:-1], lie))):
        assert run.entry == len(PLAIN.entries) - 1
        assert run.finding is not None
        assert "7 0 0; the trace says 7 0 1" in run.finding.explanation


@pytest.mark.parametrize(
    ("trace", "says"),
    [
        (Trace(GEOMETRY, (Submit(1, op.Start()),)), "request 0 must come next"),
        (Trace(GEOMETRY, (Step(0),)), "request 0 was never submitted"),
        (Trace(GEOMETRY, (), initial=Initial(State.IDLE, ())), "0 grains, the volume 2"),
        (
            Trace(GEOMETRY, (Crash(()),), settings={"mutant": "nonsense"}),
            "no mutant is called 'nonsense'",
        ),
    ],
)
def test_trace_that_makes_no_sense_is_refused(trace: Trace, says: str) -> None:
    with pytest.raises(InvalidTraceError, match=says):
        run_again(trace)


def test_commands_show_and_replay(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(dumps(PLAIN))
    shown = CliRunner().invoke(show, [str(path)])
    assert shown.exit_code == 0
    assert "write 7 to source block 0" in shown.output
    again = CliRunner().invoke(replay, [str(path)])
    assert again.exit_code == 0
    assert "simulation: all 8 entries as the trace says" in again.output
    path.write_text(dumps(PLAIN).replace("[7, 0, 0]", "[7, 0, 9]"))
    differs = CliRunner().invoke(replay, ["--json", str(path)])
    assert differs.exit_code == 1
    assert json.loads(differs.output)["runs"][0]["entry"] == 7


def test_model_and_trace_agree_on_what_a_fresh_pair_is() -> None:
    machine = model.create(GEOMETRY)
    (run, _) = run_again(Trace(GEOMETRY, ()))
    assert run.finding is None
    assert machine.state is State.IDLE
