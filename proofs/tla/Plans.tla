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

(* CONC-1: each block is read or written at an instant of its own. *)
Puts(volume, bs) == LET Put(b) == <<"put", volume, b>> IN Each(Put, bs)
Shows(volume, bs, fake) ==
    LET Show(b) == <<"show", volume, b, fake>>
    IN Each(Show, bs)

(* COPY-1, of some grains, and made durable: ORDER-1, ORDER-2. *)
Copy(gs, flushed) ==
    LET Fetch(b) == <<"fetch", b>>
        Store(b) == <<"store", b>>
    IN If(gs # {},
          Each(Fetch, BlocksOf(gs)) \o Each(Store, BlocksOf(gs))
          \o If(flushed, <<<<"flush", {"target"}>>>>))

TakeGrains(gs, alone) == <<<<"ask grains", gs, alone>>>>
TakeCopier == <<<<"ask copier">>>>

(* CONC-3, CONC-4: reads and the background copy share their grains, the others have them alone. *)
Plan(ask) ==
    LET gs == GrainsOf(ask.blocks)
    IN CASE ask.does = "read source" ->
            TakeGrains(gs, FALSE) \o Shows("source", ask.blocks, {})
      [] ask.does = "read target" ->
            If(Fault # "reads of the target take no lock", TakeGrains(gs, FALSE))
            \o <<<<"route", ask.blocks>>>>
      [] ask.does = "write source" ->
            TakeGrains(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("source", ask.blocks)
      [] ask.does = "write target" ->
            TakeGrains(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("target", ask.blocks)
      [] ask.does = "flush source" -> <<<<"make durable", "source">>>>
      [] ask.does = "flush target" -> TakeGrains({}, FALSE) \o <<<<"make durable", "target">>>>
      [] ask.does = "copy" ->
            TakeCopier \o <<<<"choose", ask.limit>>>>
      [] ask.does = "stop" ->
            TakeCopier \o TakeGrains(Grains, TRUE)
            \o <<<<"commit", "stop">>, <<"flush", {"map"}>>, <<"adopt", "stop">>>>
      [] OTHER -> \* start and sync
            LET held == IF Fault = "sync takes no grains" THEN {} ELSE Grains
                whole == TakeGrains(held, Fault # "sync shares its grains")
                both == IF Fault = "sync does not flush the source" THEN {"map"}
                        ELSE {"source", "map"}
            IN IF Fault = "grains before the copier" THEN whole \o TakeCopier
               ELSE
                TakeCopier
                \o <<<<"flush", {"source"}>>, <<"prepare", ask.does>>, <<"flush", {"map"}>>>>
                \o whole
                \o <<<<"prepare", ask.does>>>>
                \o If(Fault # "the header comes before the flush", <<<<"flush", both>>>>)
                \o <<<<"commit", ask.does>>, <<"flush", {"map"}>>, <<"adopt", ask.does>>>>

(* ORDER-1, of the grains that need it. *)
Diverge(gs) ==
    If(gs # {},
       <<<<"copy before", gs>>, <<"mark diverged", gs>>, <<"save">>>>
       \o If(Fault # "the map is not flushed", <<<<"flush", {"map"}>>>>)
       \o <<<<"settle", gs>>>>)

(* ORDER-2. *)
BackgroundCopy(gs) ==
    If(gs # {},
       Copy(gs, Fault # "a copy is recorded before the flush")
       \o <<<<"mark copied", gs>>, <<"save">>>>)
==============================================================================
