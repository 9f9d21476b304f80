"""A program that breaks down is errored, with its standard error, and leaves nothing running."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flashcopy.conformance.adapter import IutBrokeDownError, KilledError, RefusedError
from flashcopy.conformance.iut import wire
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.iut.wire import Connection
from flashcopy.model.images import Volume
from flashcopy.model.operation import Refusal
from tests.hurried import HurriedClock

# What a program begins with: `ask` waits for a request, `say` writes a line.
BEGIN = """
import json, os, subprocess, sys, time
def ask(): return json.loads(sys.stdin.readline() or "null")
def say(text): sys.stdout.write(text + "\\n"); sys.stdout.flush()
def answer(request, **fields): say(json.dumps({"jsonrpc": "2.0", "id": request["id"], **fields}))
"""


def program(text: str, timeout: float = 20.0) -> Connection:
    """A connection to a program with this text."""
    return Connection([sys.executable, "-S", "-c", BEGIN + text], timeout)


BREAKDOWNS = {
    "dies": ("ask(); sys.exit(7)", "exit status 7 while status had no answer"),
    "is killed": ("ask(); os.kill(os.getpid(), 9)", "signal 9"),
    "never starts": ("raise SystemExit('bad luck')", "bad luck"),
    "writes garbage": ("ask(); say('hello there')", "not JSON: 'hello there'"),
    "writes bytes": ("ask(); sys.stdout.buffer.write(b'\\xff\\n')", "not JSON"),
    "answers two in a line": (
        "a, b = [json.dumps({'jsonrpc': '2.0', 'id': n, 'result': {}}) for n in (1, 2)]\n"
        "say(a + ' ' + b + '\\n')",
        "not JSON",
    ),
    "nests": ("ask(); say('[' * 100000)", "not JSON"),
    "answers something else": ("answer({**ask(), 'id': 99}, result={})", "not asked"),
    "answers twice": (
        "r = ask(); answer(r, result={}); answer(r, result={}); time.sleep(60)",
        "request 1, which was not asked or answered before",
    ),
    "answers without id": ('say(\'{"jsonrpc": "2.0", "result": {}}\')', "id is no number"),
    "answers neither": ("answer(ask())", "neither a result nor an error"),
    "answers a list": ("answer(ask(), result=[])", "no object"),
    "makes up an error": ("answer(ask(), error={'data': {'kind': 'oops'}})", "data.kind"),
    "never ends a line": ("ask(); sys.stdout.write('x' * 10_000_000)", "more than"),
    "closes its output": ("ask(); os.close(1); time.sleep(60)", "ended its output"),
}


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_breakdown(name: str) -> None:
    text, message = BREAKDOWNS[name]
    connection = program(text)
    try:
        with pytest.raises(IutBrokeDownError, match=message):
            ask_thrice(connection)
    finally:
        connection.kill()


@pytest.mark.parametrize("text", ["ask(); time.sleep(60)", "time.sleep(60)"])
def test_hanging(text: str) -> None:
    connection = program(text, timeout=0.3)
    with pytest.raises(IutBrokeDownError, match=r"did not (answer|read) status within 0.3 s"):
        connection.call("status", {"padding": "x" * 1_000_000 if "ask" not in text else ""})
    connection.kill()


def test_a_line_that_never_ends_though_it_goes_on() -> None:
    """Something comes all the time, but no answer."""
    drips = "ask()\nwhile True: sys.stdout.write('x'); sys.stdout.flush(); time.sleep(0.001)"
    connection = program(drips, timeout=0.3)
    connection.begin("status", {})
    assert connection.answers(0.01) == []
    with pytest.raises(IutBrokeDownError, match=r"did not answer status within 0.3 s"):
        connection.answers()
    connection.kill()


def test_the_end_of_a_flooded_standard_error_is_kept() -> None:
    connection = program("sys.stderr.write('x' * 5_000_000 + ' the reason'); ask(); sys.exit(1)")
    with pytest.raises(IutBrokeDownError, match="the reason") as caught:
        connection.call("status", {})
    assert len(str(caught.value)) < 3000
    connection.kill()


def test_answers_in_any_order_reach_who_asked() -> None:
    """A window of requests goes out together; a call in between keeps the answers of others."""
    connection = program(
        "requests = [ask() for _ in range(9)]\n"
        "for r in reversed(requests): answer(r, result={'echo': r['params']['n']})\n"
        "answer(ask(), result={})"
    )
    asked = {connection.begin("read", {"n": n}): n for n in range(8)}
    assert connection.call("read", {"n": 8}) == {"echo": 8}
    seen: dict[int, object] = {}
    while len(seen) < 8:
        seen |= connection.answers()
    assert seen == {number: {"echo": n} for number, n in asked.items()}
    assert connection.answers() == []
    connection.close()


def test_who_breaks_down_is_not_killed_as_if_nothing_were_wrong() -> None:
    """Also where nobody waits for an answer: garbage is told before the kill comes."""
    connection = program("ask(); say('garbage'); ask()")
    connection.begin("read", {})
    with pytest.raises(IutBrokeDownError, match="not JSON"):
        assert connection.answers(60.0) == []
    connection.kill()


def test_a_thousand_requests_to_a_program_that_reads_the_first_last() -> None:
    """More than the pipes hold, both ways: neither side may wait for the other."""
    connection = program(
        "requests = [ask() for _ in range(1000)]\n"
        "for r in reversed(requests): answer(r, result={'data': r['params']['data']})"
    )
    data = "x" * 3000
    asked = {connection.begin("write", {"data": data}) for _ in range(1000)}
    seen: set[int] = set()
    while len(seen) < 1000:
        seen |= {number for number, _ in connection.answers()}
    assert seen == asked
    connection.kill()


def test_one_of_many_that_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has its own time; the others' answers are given before."""
    connection = program(
        "requests = [ask() for _ in range(4)]\n"
        "for r in requests[:1] + requests[2:]: answer(r, result={})\n"
        "time.sleep(60)"
    )
    numbers = [connection.begin(method, {}) for method in ("read", "sync", "write", "flush")]
    seen: list[int] = []
    monkeypatch.setattr(wire, "time", HurriedClock(lambda: len(seen) == 3))
    with pytest.raises(IutBrokeDownError, match=r"did not answer sync within 20 s"):
        take_all(connection, seen)
    assert seen == [numbers[0], *numbers[2:]]
    connection.kill()


def test_what_was_answered_before_it_broke_down_is_given() -> None:
    connection = program("a, b = ask(), ask(); answer(a, result={}); say('oops'); time.sleep(60)")
    first, _ = connection.begin("read", {}), connection.begin("write", {})
    seen: list[int] = []
    with pytest.raises(IutBrokeDownError, match="not JSON: 'oops'"):
        take_all(connection, seen)
    assert seen == [first]
    connection.kill()


def test_a_refusal_among_results() -> None:
    connection = program(
        "a, b, c = ask(), ask(), ask()\n"
        "say('\\n'.join(json.dumps({'jsonrpc': '2.0', 'id': r['id'], **f}) for r, f in ("
        "(c, {'result': {}}), (a, {'error': {'data': {'kind': 'read_only'}}}),"
        " (b, {'result': {}}))))\n"
        "time.sleep(60)"
    )
    numbers = [connection.begin("write", {}) for _ in range(3)]
    seen: dict[int, object] = {}
    while len(seen) < 3:
        seen |= connection.answers()
    assert [isinstance(seen[number], RefusedError) for number in numbers] == [True, False, False]
    connection.kill()


def test_members_of_its_own_in_a_response_do_no_harm() -> None:
    """Such a line is read by the slow parser, and those beside it are."""
    connection = program(
        "a, b = ask(), ask()\n"
        "say('\\n'.join(json.dumps({'jsonrpc': '2.0', 'id': r['id'], 'result': {'n': 'é'}, **f})"
        " for r, f in ((a, {'took': 0.1}), (b, {}))))\n"
        "time.sleep(60)"
    )
    numbers = [connection.begin("write", {}) for _ in range(2)]
    assert [connection.answer_to(number) for number in reversed(numbers)] == [{"n": "é"}] * 2
    connection.kill()


@pytest.mark.parametrize("result", ["{}", "{'data': 5}", "{'data': '?'}"])
def test_a_result_of_another_method_is_a_breakdown(result: str) -> None:
    """What was answered before it is given."""
    adapter = StdioAdapter(
        [sys.executable, "-S", "-c", BEGIN + f"for r in ({{}}, {result}): answer(ask(), result=r)"],
        20.0,
    )
    write = adapter.begin("write", Volume.SOURCE, 0, b"")
    read = adapter.begin("read", Volume.SOURCE, 0, 0)
    adapter.answer_to(write)
    with pytest.raises(IutBrokeDownError, match="the result of read is not as it must be"):
        adapter.answer_to(read)
    adapter.kill()


def test_it_stops_reading_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed pipe says little; what the program says at its end is what counts."""
    for text, message, ends in (
        ("ask(); os.close(0); sys.exit(3)", "exit status 3", True),
        ("ask(); os.close(0); time.sleep(60)", "closed its standard input before read", False),
    ):
        connection = program(text)
        if not ends:
            deaf = HurriedClock(lambda: connection._program.deaf)  # noqa: B023
            monkeypatch.setattr(wire, "time", deaf)
        connection.begin("status", {})
        connection.answers(0)
        with pytest.raises(IutBrokeDownError, match=message):
            talk_on(connection)
        connection.kill()


def test_waiting_no_longer_than_said() -> None:
    connection = program("first = ask(); second = ask(); answer(second, result={}); time.sleep(60)")
    connection.begin("read", {})
    assert connection.answers(0.01) == []
    write = connection.begin("write", {})
    assert connection.answers() == [(write, {})]
    connection.kill()


def test_refusals() -> None:
    connection = program(
        "answer(ask(), error={'message': 'no', 'data': {'kind': 'read_only'}})\n"
        "answer(ask(), error={'message': 'ow', 'data': {'kind': 'internal'}})"
    )
    kinds = []
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            connection.call("write", {})
        kinds.append(caught.value.kind)
    assert kinds == [Refusal.READ_ONLY, None]
    connection.kill()


def test_a_kill_is_no_breakdown() -> None:
    connection = program("print('here', file=sys.stderr, flush=True); ask(); time.sleep(60)")
    raised: list[type[BaseException]] = []

    def call() -> None:
        try:
            connection.call("read", {})
        except Exception as error:
            raised.append(type(error))

    in_threads([call, connection.kill])
    assert raised == [KilledError]
    with pytest.raises(KilledError):
        connection.call("read", {})


def test_no_process_is_left(tmp_path: Path) -> None:
    """The children of a program end with it, whether it ends well or not."""
    child = (
        "c = subprocess.Popen(['sleep', '60']); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(c.pid)); "
        "answer(ask(), result={})"
    )
    for text in (child, child + "; time.sleep(60)"):
        connection = program(text)
        connection.call("hello", {})
        connection.kill()
        pid = int((tmp_path / "pid").read_text())
        assert gone(pid)


def test_no_such_command() -> None:
    with pytest.raises(IutBrokeDownError, match="cannot be started: No such file"):
        Connection(["./no-such-command"], 1)


def test_does_not_end_after_close(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = program("answer(ask(), result={}); time.sleep(60)")
    answered = HurriedClock(lambda: not (connection._queue or connection._in_flight))
    monkeypatch.setattr(wire, "time", answered)
    with pytest.raises(IutBrokeDownError, match="did not end"):
        connection.close()


def ask_thrice(connection: Connection) -> None:
    """More requests than any program here survives."""
    for _ in range(3):
        connection.call("status", {})


def take_all(connection: Connection, seen: list[int]) -> None:
    """Take answers, and note their numbers, as long as there are any to come."""
    while True:
        seen += [number for number, _ in connection.answers()]


def talk_on(connection: Connection) -> None:
    """Ask more and more, whether it is answered or not."""
    while True:
        connection.begin("read", {"padding": "x" * 200_000})
        connection.answers(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def gone(pid: int) -> bool:
    """Whether a process that was killed and has let go of its pipes ends; that takes a moment."""
    for _ in range(100_000):
        if not alive(pid):
            return True
        os.sched_yield()
    return False


def in_threads(calls: list[Callable[[], object]]) -> None:
    """Make all calls at the same time."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
