"""The list of checks: what each holds an IUT to, what it needs, and the fault it is after.

They are run in this order: what is soon done and often tells comes first; and what asks one
request after the other comes before what has many in flight, whose histories are longer to read.
"""

from flashcopy.conformance.adapter import Capability
from flashcopy.conformance.check import Check
from flashcopy.conformance.checks import (
    directed,
    interleaving,
    maps,
    opening,
    restarting,
    sequential,
    under_load,
)

CHECKS = (
    Check(
        "errors",
        ("ERR-1", "ERR-3", "ERR-4"),
        "a request that must be refused is carried out, or half of it",
        directed.errors,
    ),
    Check(
        "boundaries",
        ("GEO-1", "SYNC-2", "COPY-1", "WRITE-1", "READ-2"),
        "a short last grain, the edge of a map's word, the second grain of a request",
        directed.boundaries,
    ),
    Check(
        "liveness",
        ("COPY-3", "COPY-5"),
        "a background copy that ends early or never, or leaves grains behind its cursor",
        directed.liveness,
    ),
    Check(
        "data",
        (
            *("READ-1", "READ-2", "WRITE-1", "WRITE-2", "WRITE-3", "WRITE-4"),
            *("SYNC-1", "START-1", "FLUSH-1", "COPY-2"),
        ),
        "stale or too new data: a bit set, cleared or merged wrongly, a write not tracked",
        sequential.data,
    ),
    Check(
        "lifecycle",
        ("LIFE-1", "LIFE-2", "LIFE-3", "STOP-1", "COPY-4", "ERR-2"),
        "a request allowed or refused in the wrong state, or a state that does not follow",
        sequential.lifecycle,
    ),
    Check(
        "maps",
        ("INV-2", "WRITE-1", "SYNC-2", "START-1", "COPY-2", "COPY-4"),
        "maps that do not say what was copied and written, or count it differently",
        maps.bitmaps,
        frozenset({Capability.BITMAPS}),
    ),
    Check(
        "power-loss",
        ("CRASH-1", "CRASH-2", "CRASH-3", "REC-1"),
        "a flush left out or too late: of a map, of a copy, of the source before a sync",
        restarting.power_loss,
        frozenset({Capability.POWER_LOSS}),
    ),
    Check(
        "interleaving",
        ("CONC-1", "CONC-2", "CONC-3", "IMG-1", "IMG-2", "READ-1", "READ-2"),
        "a write that straddles a sync, a copier that is overtaken, a map not merged at once",
        interleaving.interleaving,
        frozenset({Capability.CONCURRENT}),
    ),
    Check(
        "many-grains",
        ("SYNC-2",),
        "a map that is truncated, or merged only in its first page",
        directed.many_grains,
    ),
    Check(
        "second-opener",
        ("ERR-8",),
        "two processes that have the same volumes open, each with maps of its own",
        opening.second_opener,
        frozenset({Capability.RESTART}),
    ),
    Check(
        "restart",
        ("CRASH-1", "CRASH-2", "CRASH-3", "REC-1"),
        "a map dropped, believed though it is not true, or durable before its data",
        restarting.restart,
        frozenset({Capability.RESTART}),
    ),
    Check(
        "under-load",
        ("COPY-5", "COPY-6"),
        "a background copy that gives way to hosts for good",
        under_load.under_load,
    ),
    Check(
        "minimality",
        ("MIN-1", "MIN-2"),
        "a sync that copies more than was written; reported as waste, not as a violation",
        directed.minimality,
        frozenset({Capability.BACKGROUND_COPY}),
    ),
)
