"""What is always true of a block, whoever is doing what: the invariant of the protocol.

Each clause is a sentence about one state. The first three say, for each of the two headers that
the disk may have and for each version of the grain's bits that a crash or a save may bring
(durable, written, in memory), that they tell the truth; that memory's bits are among them is why
saving somebody else's bits early does no harm. The rest says how memory goes with the disk.
`quiet` is what moreover holds whenever no start, sync or stop is at its last steps, which hold
every lock.
"""

from collections.abc import Callable, Mapping

from flashcopy.model.choice import Condition
from flashcopy.proofs.protocol_logic import conj, disj, imp, ite, neg, same
from flashcopy.proofs.protocol_state import Header, State

Clause = Callable[[State], Condition]


def recovered_is_right(state: State) -> Condition:
    """CRASH-2, CRASH-3, INV-1: what a crash now leaves, recovered, is the target's image.

    Whichever header survived promises an image, and the whole volume goes by that one header.
    """
    header = state.maps.after
    copied, modified = bits_after_crash(state)
    seen = ite(copied, state.target.after, state.source.after)
    return conj(
        imp(header.tracking, same(seen, header.survives)),
        imp(
            conj(header.tracking, copied, neg(modified)),
            same(state.target.after, state.source.after),
        ),
        imp(header.idle, same(state.target.after, header.survives)),
    )


def bits_after_crash(state: State) -> tuple[Condition, Condition]:
    """REC-1: the copied and the modified bit of the area that the surviving header names."""
    maps = state.maps
    here = maps.after.here
    copied = ite(here, maps.current.copied_after, maps.other.copied_after)
    modified = ite(here, maps.current.modified_after, maps.other.modified_after)
    return copied, conj(copied, modified)


def copied_is_durable(state: State) -> Condition:
    """Where some version says copied, the target is the image, and so it is after a crash."""
    return _each_tracking(
        state,
        lambda header: imp(
            disj(*_versions(state, header, "copied")),
            conj(same(state.target.now, header.image), same(state.target.after, header.survives)),
        ),
    )


def uncopied_is_unchanged(state: State) -> Condition:
    """Where some version says uncopied, the source is the image, and no change of it is pending."""
    return _each_tracking(
        state,
        lambda header: imp(
            neg(conj(*_versions(state, header, "copied"))),
            conj(
                same(state.source.now, header.image),
                same(state.source.after, header.survives),
                same(state.source.after, state.source.now),
            ),
        ),
    )


def clean_is_equal(state: State) -> Condition:
    """Where some version says copied and one says unmodified, the sides are equal and durable."""
    return _each_tracking(
        state,
        lambda header: imp(
            conj(
                disj(*_versions(state, header, "copied")),
                neg(conj(*_versions(state, header, "modified"))),
            ),
            conj(
                same(state.target.now, state.source.now),
                same(state.source.after, state.source.now),
                same(state.target.after, state.target.now),
            ),
        ),
    )


def idle_is_durable(state: State) -> Condition:
    """LIFE-2: where a header says idle, the target is its own image."""
    return conj(
        *(
            imp(
                header.idle,
                conj(
                    same(state.target.now, header.image),
                    same(state.target.after, header.survives),
                ),
            )
            for header in headers(state)
        )
    )


def headers_name_current(state: State) -> Condition:
    """ORDER-4: no header names the other area, but while a new one is being committed."""
    return disj(state.torn, _each_tracking(state, lambda header: header.here))


def memory_follows_header(state: State) -> Condition:
    """Memory that tracks, or is idle, goes by the header that a crash would leave."""
    memory = state.memory
    as_tracking = [conj(h.tracking, same(h.image, state.image)) for h in headers(state)]
    as_idle = [conj(h.idle, same(h.image, state.image)) for h in headers(state)]
    untied = conj(memory.copied, memory.modified, memory.settled)
    return disj(
        state.torn,
        conj(imp(memory.tracking, conj(*as_tracking)), imp(memory.idle, conj(untied, *as_idle))),
    )


def settled_is_durable(state: State) -> Condition:
    """ORDER-3: settled implies durably diverged, unless nothing is tracked."""
    current, memory = state.maps.current, state.memory
    diverged = conj(
        *(current.copied, current.copied_after, current.modified, current.modified_after),
        *(memory.copied, memory.modified),
    )
    return imp(conj(memory.settled, neg(state.torn)), _each_tracking(state, lambda _: diverged))


def prepared_is_written(state: State) -> Condition:
    """What memory calls prepared is in the other area."""
    memory, other = state.memory, state.maps.other
    return imp(
        conj(memory.prepared, neg(state.torn)),
        conj(
            same(other.copied, memory.next_copied),
            same(other.modified, memory.next_modified),
            disj(other.fresh, state.maps.doubt),
        ),
    )


def lost_writes_are_known(state: State) -> Condition:
    """ERR-5, ERR-6: where a failed flush may have lost a write, its device is in doubt."""
    target = disj(state.target.fresh, state.target.doubt)
    return conj(
        disj(state.source.fresh, state.source.doubt),
        _each_tracking(state, lambda h: imp(disj(*_versions(state, h, "copied")), target)),
        *(imp(header.idle, target) for header in headers(state)),
        disj(state.torn, state.maps.current.fresh, state.maps.doubt, neg(may_track(state))),
    )


def standings_are_one(state: State) -> Condition:
    """Nothing is tracking and idle at once."""
    return conj(*(neg(conj(h.tracking, h.idle)) for h in (*headers(state), state.memory)))


CLAUSES: Mapping[str, Clause] = {
    "copied is durable": copied_is_durable,
    "uncopied is unchanged": uncopied_is_unchanged,
    "clean is equal": clean_is_equal,
    "idle is durable": idle_is_durable,
    "headers name the current area": headers_name_current,
    "memory follows the header": memory_follows_header,
    "settled is durable": settled_is_durable,
    "prepared is written": prepared_is_written,
    "lost writes are known": lost_writes_are_known,
    "standings are one": standings_are_one,
}


def invariant(state: State) -> Condition:
    """All clauses."""
    return conj(*(clause(state) for clause in CLAUSES.values()))


def quiet(state: State) -> Condition:
    """A header that memory does not follow was left by a failure: stopped, nothing settled."""
    memory = state.memory
    return imp(state.torn, conj(neg(memory.tracking), neg(memory.idle), neg(memory.settled)))


def headers(state: State) -> tuple[Header, Header]:
    """The two headers that the disk may have: as written, and after a crash."""
    return state.maps.header, state.maps.after


def may_track(state: State) -> Condition:
    """Whether the header on the disk may say tracking."""
    return disj(*(header.tracking for header in headers(state)))


def says_stopped(state: State) -> Condition:
    """Whether the header on the disk can say nothing but stopped."""
    return neg(disj(*(disj(header.tracking, header.idle) for header in headers(state))))


def _each_tracking(state: State, claim: Callable[[Header], Condition]) -> Condition:
    return conj(*(imp(header.tracking, claim(header)) for header in headers(state)))


def _versions(state: State, header: Header, bit: str) -> tuple[Condition, ...]:
    """A bit as the area that the header names has it, and as memory would save it there."""
    current, other = state.maps.current, state.maps.other
    written, after = (
        ite(header.here, getattr(current, name), getattr(other, name))
        for name in (bit, f"{bit}_after")
    )
    saved = ite(conj(header.here, neg(state.torn)), getattr(state.memory, bit), written)
    return written, after, saved
