-------------------------------- MODULE Plans --------------------------------
(* What each request does, as a plan: the steps it has to take, one after the *)
(* other. Every step takes place at one instant, and between any two other    *)
(* requests may go on or the power may fail. A step that looks something up   *)
(* puts what follows from it in its own place.                                *)
(*                                                                            *)
(* This is the algorithm; what each kind of step does is in Steps.            *)

EXTENDS Relationship

(* One step for each of these, in ascending order. *)
RECURSIVE Each(_, _)
Each(Step(_), elements) ==
    IF elements = {} THEN << >>
    ELSE LET first == CHOOSE e \in elements : \A f \in elements : e <= f
         IN <<Step(first)>> \o Each(Step, elements \ {first})

If(condition, steps) == IF condition THEN steps ELSE << >>

(* Every step that a device can fail says last what follows then (see the module Failures): "end", *)
(* the request fails; "stop", it does when it is recorded that the relationship stopped; "give     *)
(* up", the host's write goes on after that, and where that fails it is "stopped" by then.         *)

(* CONC-1: each block is read or written at an instant of its own. *)
Puts(volume, bs, then) == LET Put(b) == <<"put", volume, b, then>> IN Each(Put, bs)
Shows(volume, bs, fake) ==
    LET Show(b) == <<"show", volume, b, fake, "end">>
    IN Each(Show, bs)

(* COPY-1, of some grains, and made durable: ORDER-1, ORDER-2. *)
Copy(gs, flushed, then) ==
    LET Fetch(b) == <<"fetch", b, "end">>
        Store(b) == <<"store", b, then>>
    IN If(gs # {},
          Each(Fetch, BlocksOf(gs)) \o Each(Store, BlocksOf(gs))
          \o If(flushed, <<<<"flush", {"target"}, then>>>>))

TakeGrains(gs, alone) == <<<<"ask grains", gs, alone>>>>
TakeCopier == <<<<"ask copier">>>>

(* ERR-5: whatever fails from here on, no write may slip past; then it is recorded. *)
StopDurably(then) ==
    <<<<"distrust">>, <<"commit", "give up", then>>>>
    \o If(Fault # "the stop is not flushed", <<<<"flush", {"map"}, then>>>>)
    \o <<<<"adopt", "give up">>>>

(* START-1, SYNC-1, from the copier on. Where nothing is tracked a map that fails stops nothing. *)
MovePoint(does, tracked) ==
    LET then == IF tracked THEN "stop" ELSE "end"
        held == IF Fault = "sync takes no grains" THEN {} ELSE Grains
        whole == TakeGrains(held, Fault # "sync shares its grains")
    IN <<<<"flush", {"source"}, "end">>, <<"prepare", does, then>>, <<"flush", {"map"}, then>>>>
       \o If(Fault # "grains before the copier", whole)
       \o <<<<"prepare again", does, then>>, <<"commit", does, "stop">>,
            <<"flush", {"map"}, "stop">>, <<"adopt", does>>>>

(* CONC-3, CONC-4: reads and the background copy share their grains, the others have them alone. *)
Plan(ask) ==
    LET gs == GrainsOf(ask.blocks)
    IN CASE ask.does = "read source" ->
            TakeGrains(gs, FALSE) \o Shows("source", ask.blocks, {})
      [] ask.does = "read target" ->
            If(Fault # "reads of the target take no lock", TakeGrains(gs, FALSE))
            \o <<<<"route", ask.blocks>>>>
      [] ask.does = "write source" ->
            TakeGrains(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("source", ask.blocks, "end")
      [] ask.does = "write target" ->
            TakeGrains(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("target", ask.blocks, "end")
      [] ask.does = "flush source" -> <<<<"make durable", "source", "end">>>>
      [] ask.does = "flush target" ->
            TakeGrains({}, FALSE) \o <<<<"make durable", "target", "end">>>>
      [] ask.does = "copy" ->
            TakeCopier \o <<<<"choose", ask.limit>>>>
      [] ask.does = "stop" ->
            TakeCopier \o TakeGrains(Grains, TRUE)
            \o <<<<"commit", "stop", "then end">>, <<"flush", {"map"}, "then end">>,
                 <<"adopt", "stop">>>>
      [] OTHER -> \* start and sync
            If(Fault = "grains before the copier", TakeGrains(Grains, TRUE)) \o TakeCopier

(* ORDER-1, of the grains that need it. *)
OnFailure(does) == IF does = "write source" THEN "give up" ELSE "stop"
Diverge(does, gs) ==
    If(gs # {},
       <<<<"copy before", gs>>, <<"mark diverged", gs>>, <<"save", OnFailure(does)>>>>
       \o If(Fault # "the map is not flushed", <<<<"flush", {"map"}, OnFailure(does)>>>>)
       \o <<<<"settle", gs>>>>)

(* ORDER-2. *)
BackgroundCopy(gs) ==
    If(gs # {},
       Copy(gs, Fault # "a copy is recorded before the flush", "stop")
       \o <<<<"mark copied", gs>>, <<"save", "stop">>>>)
==============================================================================
