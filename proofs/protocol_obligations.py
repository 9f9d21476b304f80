"""The theorems about every request of the protocol: safe at any crash, among any others, and done.

Each says three things of one generator at once, for they are proved by one walk along its paths
(`protocol_run`): after each of its effects the invariant holds, so a crash there leaves the
target's image; each of its steps keeps what requests with other locks rely on; and it ends as its
clauses say. Devices may fail at every effect.
"""

from flashcopy.proofs.obligation import Mutant, Obligation
from flashcopy.proofs.protocol_faults import (
    SettlesByMark,
    leaving_out,
    meaning,
    named,
    swapping,
)
from flashcopy.proofs.protocol_request import Asked, requests
from flashcopy.proofs.protocol_run import VARIABLES, Subject, picture, refute, state_theorem
from flashcopy.proofs.protocol_traces import trace_of
from flashcopy.proofs.sorts import OneOf

_ALWAYS = ("CRASH-2", "INV-1", "ORDER-1")


def _about(
    name: str,
    says: str,
    clauses: tuple[str, ...],
    mutants: tuple[Mutant, ...],
    shapes: tuple[Asked, ...] = (),
) -> Obligation:
    return Obligation(
        name=f"protocol.{name}",
        clauses=clauses,
        says=says,
        variables={**VARIABLES, "asked": OneOf(shapes)},
        subject=Subject(),
        state=state_theorem,
        mutants=mutants,
        picture=picture,
        refute=refute,
        trace=trace_of,
    )


def _shape(name: str, shape: str = "") -> tuple[Asked, ...]:
    return tuple(asked for asked in requests() if (asked.name, asked.shape) == (name, shape))


def _elsewhere(name: str) -> tuple[Asked, ...]:
    others = ("its neighbour", "another grain")
    return tuple(a for a in requests() if a.name == name and a.shape in others)


def obligations() -> tuple[Obligation, ...]:
    """One for each request; reads and writes elsewhere, and `keep_target`, by themselves."""
    return (
        _about(
            "read-source",
            "A read of the source, among any other requests, gives the source's image.",
            ("READ-1", "CONC-3"),
            leaving_out("read_source: Read", "read_source: AcquireGrains"),
            (*_shape("read_source", "the block"), *_elsewhere("read_source")),
        ),
        _about(
            "read-target",
            "A read of the target, among any other requests, gives its image; no fake read is"
            " overtaken, and a stopped target is refused.",
            ("READ-2", "CONC-3", "LIFE-3"),
            (
                *named("fake-read-without-lock", "no-fake-read"),
                *leaving_out("read_target: Uncopied"),
            ),
            (*_shape("read_target", "the block"), *_elsewhere("read_target")),
        ),
        _about(
            "write-source",
            "A write to the source is crash-safe after each of its effects and among any other"
            " requests, whatever devices fail.",
            (*_ALWAYS, "ORDER-3", "WRITE-2", "ERR-5", "CONC-1"),
            (
                *leaving_out("_copy: Flush", "_diverge: Flush"),
                *swapping(("write_source: Unsettled", "write_source: Write")),
                *named(
                    *("write-before-bits", "bits-before-copy", "map-errors-ignored"),
                    *("stop-in-memory-only", "writes-share-grains", "decide-before-lock"),
                    *("copy-on-write-without-target-flush", "write-without-map-flush"),
                    *("write-overtakes-copy", "marked-only-on-first-copy"),
                    *("marked-only-when-copied", "failed-write-not-marked"),
                ),
            ),
            _shape("write_source", "the block"),
        ),
        _about(
            "write-source-elsewhere",
            "A write to the rest of the grain, or to another grain whose bits share a sector,"
            " keeps the block crash-safe and whatever others rely on.",
            (*_ALWAYS, "ORDER-4"),
            leaving_out("_stop_durably: Distrust"),
            _elsewhere("write_source"),
        ),
        _about(
            "write-source-keeping-target",
            "The same of a write that would rather fail than give up the target.",
            (*_ALWAYS, "ERR-5"),
            leaving_out("_copy: Flush"),
            _shape("write_source", "the block, keeping the target"),
        ),
        _about(
            "write-target",
            "A write to the target is crash-safe after each of its effects and among any other"
            " requests, and is refused where it is stopped.",
            (*_ALWAYS, "WRITE-3", "LIFE-3", "ERR-5"),
            (
                *leaving_out("_diverge: Save", "_copy: Write", "_stop_durably: Distrust"),
                *swapping(
                    ("_diverge: MarkDiverged", "_diverge: Save"),
                    ("_diverge: Flush", "_diverge: Settle"),
                ),
                *named("target-writes-not-marked", "target-write-without-fill"),
                *named("writes-lock-nobody-out"),
            ),
            _shape("write_target", "the block"),
        ),
        _about(
            "write-target-by-memory",
            "The same, with what settled, distrusted and in doubt mean to memory and devices.",
            ("CRASH-2", "ORDER-3", "ERR-5"),
            (
                *named("skip-by-volatile-bit", "settled-when-copied", "distrust-forgets-bits"),
                *named("flush-in-doubt-trusted", "flush-of-another-trusted"),
                *meaning(settled_by_the_mark=SettlesByMark),
            ),
            _shape("write_target", "the block"),
        ),
        _about(
            "write-target-elsewhere",
            "A write to the rest of the grain, or to another one, keeps the block crash-safe.",
            _ALWAYS,
            leaving_out("_copy: Flush"),
            _elsewhere("write_target"),
        ),
        _about(
            "flush-source",
            "A flush of the source makes durable what was written to it.",
            ("FLUSH-1", "CRASH-1"),
            (*leaving_out("flush_source: Flush"), *named("flush-does-nothing")),
            _shape("flush_source"),
        ),
        _about(
            "flush-target",
            "A flush of the target makes durable what was written to it, unless it is stopped.",
            ("FLUSH-1", "CRASH-1", "LIFE-3"),
            leaving_out("flush_target: Flush", "flush_target: AcquireGrains"),
            _shape("flush_target"),
        ),
        _about(
            "background-copy",
            "A background copy, among any other requests, copies what is uncopied and is"
            " crash-safe after each of its effects.",
            ("COPY-1", "CRASH-2", "ORDER-2"),
            (
                *named("copier-without-flush", "copier-marks-before-flush"),
                *named("copier-without-grain-lock", "copier-ignores-bits"),
                *named("copier-without-copier-lock", "failed-copy-counts"),
                *leaving_out("background_copy: MarkCopied", "background_copy: Save"),
            ),
            (*_shape("background_copy"), *_shape("background_copy", "keeping the target")),
        ),
        _about(
            "start",
            "A start happens or does not, durably and at one instant, whatever runs beside it.",
            ("START-1", "CONC-2", "CRASH-3", "ORDER-4", "ERR-5"),
            named("point-not-exclusive", "start-without-recording-stop", "start-keeps-copied"),
            _shape("start"),
        ),
        _about(
            "sync",
            "A sync happens or does not, durably and at one instant, whatever runs beside it.",
            ("SYNC-1", "CONC-2", "CRASH-1", "CRASH-3", "ORDER-4", "ERR-6"),
            (
                *named("point-without-source-flush", "commit-before-maps", "header-not-flushed"),
                *named("point-in-place", "point-not-exclusive", "point-without-lock"),
                *named("settled-outlives-point", "failed-prepare-kept"),
                *named("merge-or", "merge-and", "merge-overwrites"),
                *named("modified-cleared-before-merge"),
                *named(
                    "merge-not-atomic", "failed-sync-reported-done", "sync-takes-modified-first"
                ),
                *named("prepared-never-forgotten", "distrust-keeps-settled"),
                *leaving_out("_prepare: Flush 2"),
                *swapping(
                    ("_move_point_in_time: Flush", "_move_point_in_time: Commit"),
                    ("_move_point_in_time: Flush 2", "_move_point_in_time: Adopt"),
                ),
            ),
            _shape("sync"),
        ),
        _about(
            "stop",
            "A stop is durable before anything goes untracked, and idle means a complete copy.",
            ("STOP-1", "LIFE-2", "CRASH-3"),
            (
                *leaving_out("_end_tracking: Flush", "_end_tracking: Commit"),
                *leaving_out("stop: AcquireGrains", "_end_tracking: Distrust"),
                *named("stop-while-copying-is-idle", "stop-does-nothing"),
            ),
            _shape("stop"),
        ),
    )
