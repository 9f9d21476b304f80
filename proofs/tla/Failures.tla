------------------------------ MODULE Failures -------------------------------
(* Devices that fail: one more way for a step to end, wherever a device is    *)
(* asked for something. It fails before it did anything, or after it did all. *)
(* And what follows (ERR-5, ERR-6), which is a new plan.                      *)

EXTENDS Steps

Then(r) == Step(r)[Len(Step(r))]

(* ERR-5: what only a write to the target, of a grain that is still uncopied, has cost. *)
Harmless(r) ==
    /\ Step(r)[1] = "store" \/ (Fault = "keep_target forgives a flush" /\ Step(r)[1] = "flush")
    /\ KeepTarget \/ asked[r].does = "write target"

Following(r, device) ==
    LET then == Then(r)
        puts == Puts("source", asked[r].blocks, "stopped")
    IN CASE device = "source" \/ then \in {"end", "stopped"} \/ Harmless(r) -> << >>
         [] then = "give up" ->
                If(Fault # "a write goes on without the stop", StopDurably("then end")) \o puts
         [] then = "stop" -> StopDurably("then end")
         [] then = "then end" -> <<<<"distrust">>>>
         [] then = "then give up" -> <<<<"distrust">>>> \o StopDurably("then end") \o puts

(* The request goes on as a failure of the device makes it. What it has read nobody needs. *)
GoesOn(r, steps) ==
    /\ GoOn(r, steps)
    /\ read' = [read EXCEPT ![r] = Unread]

MayFail == doubts.left > 0
OneLess == [doubts EXCEPT !.left = @ - 1]

ReadFails(r) ==
    /\ MayFail
    /\ Does(r, "show") \/ Does(r, "fetch")
    /\ LET device == IF Does(r, "fetch") \/ Step(r)[3] \in Step(r)[4] THEN "source" ELSE Step(r)[2]
       IN GoesOn(r, Following(r, device))
    /\ doubts' = OneLess
    /\ since' = [since EXCEPT ![r] = Unread]
    /\ UNCHANGED <<memory, disk, header, maps, image, past, next, wrong>>

StoreFails(r, landed) ==
    /\ MayFail
    /\ Does(r, "store")
    /\ LET b == Step(r)[2]
           steps == IF Fault = "a failed copy counts" THEN Rest(r) ELSE Following(r, "target")
       IN /\ disk' = IF landed THEN [disk EXCEPT !.target[b] = Written(@, read[r][b])] ELSE disk
          /\ GoesOn(r, steps)
    /\ doubts' = OneLess
    /\ UNCHANGED <<memory, header, maps, judges>>

PutFails(r, landed) ==
    /\ MayFail
    /\ Does(r, "put")
    /\ IF landed THEN Landed(r) ELSE UNCHANGED <<disk, image, since, past, next>>
    /\ GoesOn(r, << >>)
    /\ doubts' = OneLess
    /\ UNCHANGED <<memory, header, maps, wrong>>

(* What a failed flush was to make durable may be lost for good. *)
AllLost(cells) == [x \in DOMAIN cells |-> FlushFailed(cells[x])]
Doubting(device) ==
    [left |-> doubts.left - 1, doubted |-> doubts.doubted \cup {device},
     knowing |-> IF device = "map" THEN {} ELSE doubts.knowing]

(* One device, the first, or the last after the others were flushed. *)
FlushFails(r) ==
    /\ MayFail
    /\ Does(r, "flush") \/ Does(r, "make durable")
    /\ LET of == IF Does(r, "flush") THEN Step(r)[2] ELSE {Step(r)[2]}
       IN \E device \in of :
            LET before == IF device \in First(of) THEN {} ELSE First(of)
            IN /\ Refusing(r, before \cup {device}) = {}
               /\ disk' = [v \in Volumes |->
                             IF v = device THEN AllLost(disk[v])
                             ELSE IF v \in before THEN AllFlushed(disk[v]) ELSE disk[v]]
               /\ header' = IF device = "map" THEN FlushFailed(header) ELSE header
               /\ maps' = IF device # "map" THEN maps
                          ELSE [a \in Areas |-> [copied |-> AllLost(maps[a].copied),
                                                 modified |-> AllLost(maps[a].modified)]]
               /\ doubts' = Doubting(device)
               /\ GoesOn(r, Following(r, device))
               /\ Leaves(r, Following(r, device))
    /\ UNCHANGED <<memory, image, since, wrong>>

(* It is in doubt already: that is no failure more. *)
FlushRefused(r) ==
    /\ Does(r, "flush") \/ Does(r, "make durable")
    /\ LET of == IF Does(r, "flush") THEN Step(r)[2] ELSE {Step(r)[2]}
           refusing == Refusing(r, of)
           device == IF First(of) \subseteq refusing THEN CHOOSE d \in First(of) : TRUE
                     ELSE CHOOSE d \in refusing : TRUE
       IN /\ refusing # {}
          /\ AreFlushed(IF device \in First(of) THEN {} ELSE First(of))
          /\ GoesOn(r, Following(r, device))
          /\ Leaves(r, Following(r, device))
    /\ UNCHANGED <<memory, doubts, image, since, wrong>>

(* What is written of the maps; where there is nothing to write nothing fails. *)
MapFails(r, landed) ==
    /\ MayFail
    /\ Does(r, "save") \/ (Does(r, "prepare") /\ ~Known(Step(r)[2]))
                       \/ (Does(r, "prepare again") /\ ~Known(Step(r)[2]))
    /\ maps' = IF ~landed THEN maps ELSE IF Does(r, "save") THEN Saved ELSE Prepared(Step(r)[2])
    /\ memory' = IF Does(r, "save") THEN memory ELSE [memory EXCEPT !.prepared = << >>]
    /\ GoesOn(r, Following(r, "map"))
    /\ doubts' = OneLess
    /\ UNCHANGED <<disk, header, judges>>

CommitFails(r, landed) ==
    /\ MayFail
    /\ Does(r, "commit")
    /\ header' = IF landed THEN Written(header, Heading(Step(r)[2])) ELSE header
    /\ Offers(Step(r)[2])
    /\ GoesOn(r, Following(r, "map"))
    /\ doubts' = OneLess
    /\ UNCHANGED <<disk, maps, image, since, wrong>>

Fails(r) ==
    \/ ReadFails(r) \/ FlushFails(r) \/ FlushRefused(r)
    \/ \E landed \in BOOLEAN :
        StoreFails(r, landed) \/ PutFails(r, landed) \/ MapFails(r, landed) \/ CommitFails(r, landed)
==============================================================================
