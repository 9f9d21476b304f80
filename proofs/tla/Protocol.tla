------------------------------ MODULE Protocol -------------------------------
(* The interleaved protocol of docs/spec.md: requests in flight that step in  *)
(* any order, locks, memory, three disks that forget, the map file with its   *)
(* two areas, a crash between any two steps, and recovery.                    *)
(*                                                                            *)
(* Each request has a plan: the steps it still has to take. Every step takes  *)
(* place at one instant, and the crash may come between any two. A step that  *)
(* looks something up puts what follows from it in its own place. The plans   *)
(* are said first, then what each kind of step does, then what must hold.     *)
(*                                                                            *)
(* Fault is "none", or names a mistake that the model checker must notice.    *)

EXTENDS Naturals, Sequences, TLC, Disk

CONSTANTS
    LastGrain,      \* grains are 0..LastGrain
    GrainBlocks,    \* blocks a grain
    Scopes,         \* sets of requests in flight, each as a sequence (see the module Scopes)
    Crashes,        \* whether the power may fail
    Fault

Grains == 0..LastGrain
Blocks == 0..(GrainBlocks * (LastGrain + 1) - 1)
GrainsOf(bs) == {b \div GrainBlocks : b \in bs}
BlocksOf(gs) == {b \in Blocks : b \div GrainBlocks \in gs}
Volumes == {"source", "target"}
Areas == {0, 1}

VARIABLES
    asked,      \* the requests in flight: for each what it does, its blocks, its limit
    plan,       \* for each request the steps that are left; empty when it is answered
    read,       \* for each request what it has read and not yet written elsewhere, by block
    claim,      \* for each request the locks it holds or waits for
    behind,     \* for each request those it waits for
    memory,     \* what a crash forgets: standing, area, the maps, settled, cursor
    disk,       \* the blocks of source and target
    header,     \* the map file's header: standing, and the area that holds the maps
    maps,       \* the map file's areas: copied and modified bit of each grain
    image,      \* what readers of the target must see (IMG-1)
    past,       \* what may be after a crash if no start or sync in flight has happened
    next,       \* what may be if the one in flight has
    wrong       \* clauses that a step has broken

judges == <<image, past, next, wrong>>
devices == <<disk, header, maps>>
vars == <<asked, plan, read, claim, behind, memory, devices, judges>>

(* Without the variables that only judge: what the explorer's states have as well. *)
Shared == <<asked, plan, read, claim, behind, memory, devices>>

Requests == DOMAIN asked

------------------------------------------------------------------------------
(* Memory *)

Tracking == memory.standing = "tracking"

(* Idle and stopped are written down; of copying and copied only the map knows (MAP-1). *)
State ==
    IF ~Tracking THEN memory.standing
    ELSE IF memory.copied = Grains THEN "copied" ELSE "copying"

(* ORDER-3: which of these grains a write must prepare. *)
Unsettled(gs) ==
    gs \ (IF Fault = "the volatile bit decides" THEN memory.modified ELSE memory.settled)

Uncopied(gs) == gs \ memory.copied

(* COPY-2: the run of at most n uncopied grains from the first one after the cursor on. *)
NextUncopied(n) ==
    LET ahead == {g \in Grains \ memory.copied : g >= memory.cursor}
        first == CHOOSE g \in ahead : \A h \in ahead : g <= h
    IN IF ahead = {} THEN {}
       ELSE {g \in first..(first + n - 1) : first..g \subseteq ahead}

(* SYNC-2, START-1: which grains stay copied. *)
Merged(point) ==
    CASE point = "start" -> {}
      [] Fault = "the merge forgets target writes" /\ LastGrain = 0 -> memory.copied
      [] OTHER -> memory.copied \ memory.modified

------------------------------------------------------------------------------
(* Plans *)

(* One step for each of these, in ascending order. *)
RECURSIVE Each(_, _)
Each(elements, Step(_)) ==
    IF elements = {} THEN << >>
    ELSE LET first == CHOOSE e \in elements : \A f \in elements : e <= f
         IN <<Step(first)>> \o Each(elements \ {first}, Step)

If(condition, steps) == IF condition THEN steps ELSE << >>

(* CONC-1: each block of a request is written, or read, at an instant of its own. *)
Puts(volume, bs) == LET Step(b) == <<"put", volume, b>> IN Each(bs, Step)

(* READ-1, READ-2: each from the side that was decided on. *)
Shows(fake, bs, volume) ==
    LET Step(b) == <<"show", volume, b, IF b \in fake THEN "source" ELSE volume>>
    IN Each(bs, Step)

(* COPY-1 of some grains. *)
Fetches(gs) == LET Step(b) == <<"fetch", b>> IN Each(BlocksOf(gs), Step)
Stores(gs) == LET Step(b) == <<"store", b>> IN Each(BlocksOf(gs), Step)

(* CONC-3, CONC-4: reads and the background copy share their grains, the rest have them alone. *)
TakeGrains(gs, alone) == <<"take grains", gs, alone>>
TakeCopier == <<"take copier">>

First(ask) ==
    LET gs == GrainsOf(ask.blocks)
        shared == IF Fault = "reads of the target take no lock" THEN {} ELSE gs
    IN CASE ask.does = "read source" -> <<TakeGrains(gs, FALSE)>>
         [] ask.does = "read target" -> <<TakeGrains(shared, FALSE)>>
         [] ask.does \in {"write source", "write target"} -> <<TakeGrains(gs, TRUE)>>
         [] OTHER -> <<TakeCopier>>

(* What follows when the copier is taken. SYNC-1: a sync is refused if nothing is tracked. *)
OnceCopierTaken(ask) ==
    CASE ask.does = "copy" -> <<<<"choose", ask.limit>>>>
      [] ask.does = "stop" -> <<TakeGrains(Grains, TRUE)>>
      [] ask.does = "sync" /\ ~Tracking -> << >>
      [] OTHER ->
            <<<<"flush", {"source"}>>, <<"prepare", ask.does>>, <<"flush", {"map"}>>,
              TakeGrains(Grains, TRUE)>>

(* What follows when the grains are taken. LIFE-3: a stopped target refuses I/O. *)
OnceGrainsTaken(ask) ==
    LET gs == GrainsOf(ask.blocks)
        standing == IF State \in {"idle", "copied"} THEN "idle" ELSE "stopped"
        flushed == {"map"} \cup
                   (IF Fault = "sync does not flush the source" THEN {} ELSE {"source"})
        early == Fault = "the header is written before the flush"
    IN CASE ask.does \in {"read target", "write target"} /\ State = "stopped" -> << >>
         [] ask.does = "read source" -> Shows({}, ask.blocks, "source")
         [] ask.does = "read target" -> <<<<"route", ask.blocks>>>>
         [] ask.does = "write source" -> <<<<"diverge", gs>>>> \o Puts("source", ask.blocks)
         [] ask.does = "write target" -> <<<<"diverge", gs>>>> \o Puts("target", ask.blocks)
         [] ask.does = "copy" -> <<<<"copy", CHOOSE g \in claim : TRUE>>>>
         (* STOP-1, LIFE-1. *)
         [] ask.does = "stop" ->
                <<<<"commit", standing>>, <<"flush", {"map"}>>, <<"adopt", standing, "stop">>>>
         (* ORDER-4. *)
         [] OTHER ->
                <<<<"prepare", ask.does>>>>
                \o If(~early, <<<<"flush", flushed>>>>)
                \o <<<<"commit", "tracking">>, <<"flush", {"map"}>>>>
                \o <<<<"adopt", "tracking", ask.does>>>>
=============================================================================
