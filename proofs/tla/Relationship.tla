---------------------------- MODULE Relationship -----------------------------
(* What there is: requests in flight with the steps they have left, locks,    *)
(* memory, the three devices with what a crash may leave of them, and what    *)
(* only judges. And what memory says when it is asked.                        *)
(*                                                                            *)
(* The modules of the protocol, in the order in which they build on each      *)
(* other: Disk, Relationship, Plans, Steps, PowerLoss, Protocol, Scopes.      *)
(*                                                                            *)
(* Fault is "none", or names a mistake that the model checker must notice.    *)

EXTENDS Naturals, Sequences, TLC, Disk

CONSTANTS
    LastGrain,      \* grains are 0..LastGrain
    GrainBlocks,    \* blocks a grain
    Short,          \* blocks that the last grain lacks (GEO-1)
    Failures,       \* how often a device may fail
    KeepTarget,     \* the option keep_target (ERR-5)
    Scopes,         \* sets of requests in flight, each a sequence (see the module Scopes)
    Crashes,        \* whether the power may fail
    Fault

Grains == 0..LastGrain
Blocks == 0..(GrainBlocks * (LastGrain + 1) - 1 - Short)
GrainOf(b) == b \div GrainBlocks
GrainsOf(bs) == {GrainOf(b) : b \in bs}
BlocksOf(gs) == {b \in Blocks : GrainOf(b) \in gs}
Volumes == {"source", "target"}
Areas == {0, 1}

VARIABLES
    origin,     \* the initial state: runs from different ones stay apart, as in the explorer
    asked,      \* the requests in flight: for each what it does, its blocks, its limit
    plan,       \* for each request the steps that are left; none when it is answered
    read,       \* for each request what it has read and not yet stored, by block
    claim,      \* for each request the locks it holds or waits for
    behind,     \* for each request those it waits for
    memory,     \* what a crash forgets: standing, area, the maps, settled, cursor, what header was
                \* last written, what is prepared
    doubts,     \* failures that may still come, devices in doubt, who may flush the map all the same
    disk,       \* the blocks of source and target
    header,     \* the map file's header: standing, and the area that holds the maps
    maps,       \* the map file's areas: copied and modified bit of each grain
    image,      \* what readers of the target must see (IMG-1)
    since,      \* for each read of the target what that has been since it decided, by block
    past,       \* what may be after a crash if no start or sync in flight happened: worlds, for of
                \* one that failed nobody knows whether it happened
    next,       \* what may be if the one in flight did
    wrong       \* clauses that some step has broken

(* What a step does not touch is said by one of these names. *)
flow == <<origin, asked, plan, read, claim, behind>>
devices == <<disk, header, maps, doubts>>
judges == <<image, since, past, next, wrong>>
vars == <<flow, memory, devices, judges>>

Requests == DOMAIN asked

------------------------------------------------------------------------------

Tracking == memory.standing = "tracking"

(* Of copying and copied only the map knows which it is (MAP-1). *)
State ==
    IF ~Tracking THEN memory.standing
    ELSE IF memory.copied = Grains THEN "copied" ELSE "copying"

(* ORDER-3: which of these grains a write must prepare. *)
Unsettled(gs) ==
    gs \ (IF Fault = "the volatile bit decides" THEN memory.modified ELSE memory.settled)

Uncopied(gs) == gs \ memory.copied

(* COPY-2: at most n uncopied grains in a row, the first one after the cursor and on. *)
NextUncopied(n) ==
    LET ahead == {g \in Uncopied(Grains) : g >= memory.cursor}
        first == CHOOSE g \in ahead : \A h \in ahead : g <= h
    IN IF ahead = {} \/ ~Tracking THEN {} ELSE {g \in ahead : g < first + n /\ first..g \subseteq ahead}

(* SYNC-2, START-1: the grains that stay copied. *)
Merged(does) == IF does = "start" THEN {} ELSE memory.copied \ memory.modified

(* LIFE-2: in idle and stopped every grain counts as copied and modified. *)
Untied(standing, area) ==
    [standing |-> standing, area |-> area, copied |-> Grains, modified |-> Grains,
     settled |-> Grains, cursor |-> 0, headed |-> standing, prepared |-> << >>]

(* LIFE-2: but stopped is where a failure can lead while requests are in flight, and those finish *)
(* by the maps as they were.                                                                      *)
Ended(standing) ==
    IF standing = "idle" THEN Untied("idle", memory.area)
    ELSE [memory EXCEPT !.standing = "stopped", !.settled = Grains, !.cursor = 0,
                        !.prepared = << >>]
==============================================================================
