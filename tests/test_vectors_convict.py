"""Each vector convicts the fault it says it looks for, and shows it in the way it says.

IMG-1, READ-2, SYNC-2, LIFE-1, ERR-1, CRASH-2: the vectors are worth nothing if they pass on a
wrong implementation. A vector that no fault needs is not there.
"""

import sys

import pytest

from flashcopy.conformance.check import Target
from flashcopy.conformance.iut.inprocess import guard
from flashcopy.conformance.iut.stdio import StdioAdapter
from flashcopy.conformance.runner import Verdict
from flashcopy.conformance.vectors.all_vectors import all_vectors
from flashcopy.conformance.vectors.run import Outcome, run
from flashcopy.conformance.vectors.vector import Vector
from flashcopy.conformance.zoo.cached import Cached
from flashcopy.conformance.zoo.copier import CopiesByItself
from flashcopy.conformance.zoo.failing import FailedMergeIsSuccess, FailsNowAndThen
from flashcopy.conformance.zoo.members import MEMBERS, RIGHT, WASTEFUL
from flashcopy.conformance.zoo.wrong_order import OpenedTwice
from tests.vector_mutants import EVERYTHING, MUTANTS
from tests.zoo_adapter import CLAIMED, ZooAdapter

VECTORS = {vector.id: vector for file in all_vectors("test") for vector in file.vectors}

# The member of the zoo, or the mutant in this folder, that has the fault a vector is after.
FAULTS = {
    "zeros-at-first": "GarbageAtFirst",
    "idle-volumes-are-independent": "IdleReadsSource",
    "fake-read": "NoFakeRead",
    "copy-on-write": "write-before-copy",
    "copy-on-write-of-a-part": "CopiesOnlyTheBlocks",
    "copy-on-write-over-grains": "only-first-grain-copied",
    "copy-on-write-not-the-last-grain": "LastGrainNotCopied",
    "copied-once-only": "CopiesAgain",
    "read-over-copied-and-uncopied": "one-bit-decides",
    "target-write-of-a-part": "target-write-without-fill",
    "target-write-then-source-write": "CopiesAgain",
    "large-before-small": "big-write-deferred",
    "reads-change-nothing": "ReadMarksCopied",
    "flush-changes-nothing": "FlushMovesThePoint",
    "zeroes-copy-first": "zeroes-skip-copy-on-write",
    "zeroes-are-tracked": "zeroes-are-no-change",
    "zeroes-inside-a-grain": "ZeroesRoundOutwards",
    "zeroes-of-the-target": "target-write-without-fill",
    "zeroes-over-old-data": "holes-not-written",
    "maps-after-writes": "target-write-not-tracked",
    "start-again": "StartKeepsCopied",
    "sync-shows-source-writes": "merge-after-clear",
    "sync-undoes-target-writes": "target-write-not-tracked",
    "sync-before-all-is-copied": "merge-overwrites",
    "sync-without-writes": "SyncOfNothingCompletes",
    "writes-to-copied-grains-are-tracked": "marked-on-first-copy-only",
    "writes-to-uncopied-grains-are-tracked": "marked-when-copied-only",
    "every-grain-of-a-write-is-tracked": "only-first-grain-marked",
    "marks-are-set-anew": "marked-cache-survives",
    "marks-of-neighbours-stay": "clears-neighbours",
    "merge-goes-on-after-a-zero-byte": "merge-stops-at-zero-byte",
    "maps-after-sync": "merge-or",
    "refused-sync-forgets-nothing": "SyncActsBeforeItLooks",
    "many-points-in-time": "marked-cache-survives",
    "copying-is-not-seen": "copy-ignores-the-bit",
    "copying-does-not-mark-the-neighbour": "copy-marks-the-neighbour",
    "copying-counts": "CountsWhatWasCopied",
    "copying-goes-upwards": "CopiesDownwards",
    "copying-ends-with-the-last-grain": "copy-ends-early",
    "copying-in-pieces-ends": "NeverComplete",
    "copying-restarts-after-sync": "cursor-not-rewound",
    "copying-restarts-half-way": "cursor-not-rewound",
    "nothing-to-copy": "CopiesWhenIdle",
    "sync-copies-what-was-written": "merge-or",
    "start-when-idle": "StartByIdleMaps",
    "start-when-copying": "StartIgnored",
    "start-when-copied": "StartIgnored",
    "start-when-stopped": "StoppedForGood",
    "sync-when-idle": "SyncStarts",
    "sync-when-copying": "SyncWaitsForTheCopy",
    "sync-when-copied": "SyncOfNothingEnds",
    "sync-when-copied-and-modified": "merge-after-clear",
    "sync-when-stopped": "SyncStarts",
    "stop-when-idle": "StopIsStopped",
    "stop-when-copying": "StopIsIdle",
    "stop-when-copied": "StopIsStopped",
    "stop-when-copied-and-modified": "StopByModified",
    "stop-when-stopped": "StopIsIdle",
    "last-grain-copied-by-a-write": "WritesDoNotComplete",
    "last-grain-copied-by-a-target-write": "WritesDoNotComplete",
    "stopped-target-is-no-image": "stopped-target-readable",
    "stop-of-a-complete-copy-unties": "TiedAfterStop",
    "stop-ends-tracking": "SyncAfterStop",
    "misaligned-offset": "AnyOffset",
    "misaligned-length": "AnyLength",
    "one-byte": "AnyLength",
    "negative-offset": "BelowZero",
    "negative-length": "NegativeLength",
    "beyond-the-end": "writes-past-the-end",
    "across-the-end": "writes-past-the-end",
    "longer-than-the-volume": "writes-past-the-end",
    "far-away": "EndIn32Bits",
    "misaligned-in-large-blocks": "AlignedTo512",
    "zero-length": "RefusesEmpty",
    "zero-length-refused": "AcceptsEmpty",
    "zero-length-of-a-stopped-target": "stopped-target-readable",
    "read-only-target": "WritableAnyway",
    "read-only-comes-first": "RangeBeforeReadOnly",
    "invalid-argument-before-state": "StateBeforeRange",
    "negative-count": "NegativeCountIsNone",
    "refused-changes-no-map": "MarksBeforeItRefuses",
    "unknown-volume": "AnyVolume",
    **dict.fromkeys(
        (
            "no-size",
            "size-of-no-whole-blocks",
            "block-size-too-small",
            "block-size-too-large",
            "block-size-no-power-of-two",
            "grain-size-no-power-of-two",
            "grain-smaller-than-block",
        ),
        "AnySizes",
    ),
    **{f"grain-{grain}": f"MergeMisses{grain}" for grain in (0, 7, 8, 31, 32, 63, 70)},
    "grain-64": "merge-first-word",
    "runs-across-the-edges": "only-first-grain-marked",
    "short-last-grain": "short-grain-never-copied",
    "one-short-grain": "NoShortGrains",
    "one-grain": "NeverComplete",
    "grain-is-block": "GrainsOfTwoBlocks",
    "largest-blocks": "SmallBuffer",
    "thousands-of-grains": "map-truncated",
    "maps-of-several-pages": "MergeFirstPage",
    "flushed-source-survives": "flush-lies",
    "flushed-target-survives": "flush-lies",
    "unflushed-writes-may-go": "OpensSwapped",
    "point-in-time-survives": "FlushSavesDataOnly",
    "point-in-time-survives-unflushed": "source-before-map",
    "copied-means-durable": "map-before-data",
    "uncopied-stays-uncopied": "map-dropped",
    "marks-survive": "marks-dropped",
    "marks-made-after-a-kill": "TakenForMarked",
    "answered-start-has-happened": "StartNotSaved",
    "answered-sync-has-happened": "sync-torn-on-disk",
    "answered-stop-has-happened": "StopNotSaved",
    "idle-survives": "OpensTracking",
    "copying-restarts-after-a-kill": "CursorSurvives",
    "killed-twice": "RecoveryCutOff",
    "closing-changes-nothing": "CloseForgets",
}
# What only requests in flight together bring to light; no vector can.
INTERLEAVED = {
    "write-straddles-sync",
    "stale-copier",
    "merge-then-clear",
    "fake-read-overtaken",
    "double-copy",
    "marked-before-copied",
    "zeroes-straddle-sync",
    "flush-puts-maps-back",
    "stop-looks-too-soon",
}

# What only a loss of power brings to light: these write through a cache that a kill leaves whole.
# What needs devices that fail, a second opener, or hosts that go on writing, no vector has either.
BEYOND = {
    name
    for name, member in MEMBERS.items()
    if issubclass(
        member, (Cached, CopiesByItself, FailedMergeIsSuccess, FailsNowAndThen, OpenedTwice)
    )
}
# Members that no vector was made for, and one that convicts each all the same.
ALSO = {
    "target-is-smaller": "sync-shows-source-writes",
    "maps-lag": "maps-after-writes",
}


def target(name: str) -> Target:
    """A member of the zoo or a mutant, in this process."""
    return Target(name, guard(lambda: ZooAdapter(EVERYTHING[name]), timeout=10.0))


def program(name: str) -> Target:
    """The same as a program, for what the methods of a class cannot be asked."""
    code = (
        "from tests.vector_mutants import EVERYTHING\n"
        "from flashcopy.conformance.zoo.serve import serve\n"
        f"serve(EVERYTHING[{name!r}](), {name!r})"
    )
    return Target(name, lambda: StdioAdapter([sys.executable, "-c", code], 30))


def judged(name: str, vector: Vector) -> Outcome:
    outcome = run(target(name), CLAIMED, vector)
    return run(program(name), CLAIMED, vector) if outcome.verdict is Verdict.SKIPPED else outcome


@pytest.mark.parametrize("vector", VECTORS.values(), ids=list(VECTORS))
def test_convicts_what_it_looks_for(vector: Vector) -> None:
    outcome = judged(FAULTS[vector.id], vector)
    assert outcome.verdict is Verdict.VIOLATION, outcome.explanation
    assert outcome.wrong is not None
    assert outcome.wrong.kind is vector.looks_for.kind, outcome.explanation


@pytest.mark.parametrize("name", ["right", *WASTEFUL])
def test_acquits_what_is_right(name: str) -> None:
    """MIN-1: also what does more than it must."""
    for vector in VECTORS.values():
        outcome = run(target(name), CLAIMED, vector)
        assert outcome.verdict in (Verdict.CONFORMING, Verdict.SKIPPED), outcome.explanation
        assert (outcome.verdict is Verdict.SKIPPED) == (FAULTS[vector.id] in WIRE), vector.id


WIRE = ("AnyVolume", "AnySizes")


def test_acquits_the_right_program() -> None:
    """ERR-1, ERR-9: what only a program can be asked."""
    for vector in VECTORS.values():
        if FAULTS[vector.id] in WIRE:
            outcome = judged("right", vector)
            assert outcome.verdict is Verdict.CONFORMING, outcome.explanation


def test_every_fault_of_the_zoo_is_convicted_by_a_vector() -> None:
    """Every fault that one request after the other, and a kill, can bring to light."""
    wrong = set(MEMBERS) - {*RIGHT, *WASTEFUL} - INTERLEAVED - BEYOND
    unused = wrong - set(FAULTS.values()) - ALSO.keys()
    assert not unused, f"add a vector for, or name here: {sorted(unused)}"
    for name, vector in ALSO.items():
        assert judged(name, VECTORS[vector]).verdict is Verdict.VIOLATION, name


def test_every_mutant_is_of_use() -> None:
    assert set(MUTANTS) - set(FAULTS.values()) == {"_Lenient"}
