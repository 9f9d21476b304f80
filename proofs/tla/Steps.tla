-------------------------------- MODULE Steps --------------------------------
(* What each kind of step does: asking for locks and waiting, looking         *)
(* something up, blocks, maps, and the header. Each action is one kind of     *)
(* step of one request, and says what it leaves unchanged. No device fails    *)
(* here, but that one in doubt refuses to be flushed; see the module Failures. *)

EXTENDS Plans

Nothing == [copier |-> FALSE, grains |-> {}, alone |-> FALSE]
Unread == [b \in {} |-> 0]

Does(r, step) == plan[r] # << >> /\ Head(plan[r])[1] = step
Step(r) == Head(plan[r])

(* On to these steps, with these locks. They end with the request: who waited does so no longer. *)
GoOnHolding(r, steps, locks) ==
    /\ plan' = [plan EXCEPT ![r] = steps]
    /\ claim' = [claim EXCEPT ![r] = IF steps = << >> THEN Nothing ELSE locks]
    /\ behind' = IF steps = << >> THEN [q \in Requests |-> behind[q] \ {r}] ELSE behind
    /\ UNCHANGED <<origin, asked>>

GoOn(r, steps) == GoOnHolding(r, steps, claim[r])
Rest(r) == Tail(plan[r])
Advance(r) == GoOn(r, Rest(r)) /\ UNCHANGED read

Conflict(one, other) ==
    (one.alone \/ other.alone) /\ one.grains \cap other.grains # {}

(* SYNC-1: a sync without tracking is refused. LIFE-3: a stopped target refuses I/O. ORDER-4: a   *)
(* start that finds the relationship stopped sees to it first that this is recorded (ERR-5), and   *)
(* so does a write to the source.                                                                 *)
Refused(r, of) ==
    \/ asked[r].does = "sync" /\ ~Tracking
    \/ of = "grains" /\ State = "stopped"
       /\ asked[r].does \in {"read target", "write target", "flush target"}
Granted(r, of) ==
    LET does == asked[r].does
    IN CASE Refused(r, of) -> << >>
         [] of = "copier" /\ does \in {"start", "sync"} ->
                If(does = "start" /\ State = "stopped", <<<<"is it recorded">>>>)
                \o MovePoint(does, Tracking)
         [] of = "grains" /\ does = "write source" /\ State = "stopped" ->
                <<<<"is it recorded">>>> \o Tail(Rest(r))
         [] OTHER -> Rest(r)

(* CONC-4: in order of arrival: who asks waits for all who hold or wait for what excludes him,    *)
(* and for nobody who comes later. Who waits for nobody has it at once.                           *)
Ask(r, of, wanted, others) ==
    /\ IF others = {}
       THEN GoOnHolding(r, Granted(r, of), wanted)
       ELSE /\ claim' = [claim EXCEPT ![r] = wanted]
            /\ behind' = [behind EXCEPT ![r] = others]
            /\ plan' = [plan EXCEPT ![r] = <<<<"wait", of>>>> \o Rest(r)]
            /\ UNCHANGED <<origin, asked>>
    /\ UNCHANGED <<read, memory, devices, judges>>

AskCopier(r) ==
    /\ Does(r, "ask copier")
    /\ Ask(r, "copier", [claim[r] EXCEPT !.copier = TRUE],
           {q \in Requests \ {r} : claim[q].copier})

AskGrains(r) ==
    /\ Does(r, "ask grains")
    /\ LET wanted == [claim[r] EXCEPT !.grains = Step(r)[2], !.alone = Step(r)[3]]
       IN Ask(r, "grains", wanted, {q \in Requests \ {r} : Conflict(wanted, claim[q])})

Wait(r) ==
    /\ Does(r, "wait")
    /\ behind[r] = {}
    /\ GoOn(r, Granted(r, Step(r)[2]))
    /\ UNCHANGED <<read, memory, devices, judges>>

------------------------------------------------------------------------------
(* Looking up *)

LookUp(r, found) == GoOn(r, found \o Rest(r)) /\ UNCHANGED <<read, devices, judges>>

(* ERR-5: as long as it is not, nothing is settled. If a write fails to record it, it tries again. *)
LookUpRecorded(r) ==
    /\ Does(r, "is it recorded")
    /\ LET write == asked[r].does = "write source"
           gs == IF write THEN GrainsOf(asked[r].blocks) ELSE Grains
       IN LookUp(r, If(Unsettled(gs) # {}, StopDurably(IF write THEN "then give up" ELSE "then end")))
    /\ UNCHANGED memory

(* WRITE-1. *)
LookUpUnsettled(r) ==
    /\ Does(r, "diverge")
    /\ LET gs == Step(r)[2]
           seen == IF Fault = "only the first grain is prepared"
                   THEN {g \in gs : \A h \in gs : g <= h} ELSE gs
       IN LookUp(r, Diverge(asked[r].does, Unsettled(seen)))
    /\ UNCHANGED memory

LookUpBefore(r) ==
    /\ Does(r, "copy before")
    /\ LookUp(r, Copy(Uncopied(Step(r)[2]), Fault # "the target is not flushed",
                      OnFailure(asked[r].does)))
    /\ UNCHANGED memory

(* READ-2: a fake read where the grain is uncopied, and from here on it stays one (CONC-3). *)
LookUpRoute(r) ==
    /\ Does(r, "route")
    /\ LET bs == Step(r)[2]
       IN /\ GoOn(r, Shows("target", bs, BlocksOf(Uncopied(GrainsOf(bs))) \cap bs))
          /\ since' = [since EXCEPT ![r] = [b \in bs |-> {image[b]}]]
    /\ UNCHANGED <<read, memory, devices, image, past, next, wrong>>

(* COPY-2: the cursor moves over copied grains only. *)
LookUpNext(r) ==
    /\ Does(r, "choose")
    /\ LET gs == NextUncopied(Step(r)[2])
           lock == IF Fault = "the background copy takes no grains" THEN {} ELSE gs
           first == CHOOSE g \in gs : \A h \in gs : g <= h
       IN /\ LookUp(r, If(gs # {}, TakeGrains(lock, FALSE) \o <<<<"copy", gs>>>>))
          /\ memory' = IF ~Tracking THEN memory \* there the cursor means nothing
                       ELSE [memory EXCEPT !.cursor = IF gs = {} THEN LastGrain + 1 ELSE first]

(* COPY-1: a write may have copied them meanwhile. *)
LookUpCopy(r) ==
    /\ Does(r, "copy")
    /\ LookUp(r, BackgroundCopy(Uncopied(Step(r)[2])))
    /\ UNCHANGED memory

------------------------------------------------------------------------------
(* Blocks *)

(* READ-1, READ-2: the answer is what the image holds at some instant between call and answer     *)
(* (CONC-1); of a start or sync that it overlaps it may show either side (CONC-3).                *)
Show(r) ==
    /\ Does(r, "show")
    /\ LET b == Step(r)[3]
           side == IF b \in Step(r)[4] THEN "source" ELSE Step(r)[2]
           shown == disk[side][b].now
           right == Step(r)[2] = "source" \/ shown \in since[r][b]
       IN wrong' = IF right THEN wrong ELSE wrong \cup {"READ-2"}
    /\ since' = IF Rest(r) = << >> THEN [since EXCEPT ![r] = Unread] ELSE since
    /\ Advance(r)
    /\ UNCHANGED <<memory, devices, image, past, next>>

(* Reads that have decided see this as well from now on. *)
ImageBecomes(now) ==
    /\ image' = now
    /\ since' = [q \in Requests |-> [b \in DOMAIN since[q] |-> since[q][b] \cup {now[b]}]]

Fetch(r) ==
    /\ Does(r, "fetch")
    /\ read' = [read EXCEPT ![r] = Step(r)[2] :> disk.source[Step(r)[2]].now @@ @]
    /\ GoOn(r, Rest(r))
    /\ UNCHANGED <<memory, devices, judges>>

(* MIN-2: what is copied already is not copied again. *)
Store(r) ==
    /\ Does(r, "store")
    /\ LET b == Step(r)[2]
       IN /\ disk' = [disk EXCEPT !.target[b] = Written(@, read[r][b])]
          /\ read' = [read EXCEPT ![r] = [c \in DOMAIN @ \ {b} |-> @[c]]]
          /\ wrong' = IF GrainOf(b) \in memory.copied THEN wrong \cup {"MIN-2"} ELSE wrong
    /\ GoOn(r, Rest(r))
    /\ UNCHANGED <<memory, header, maps, doubts, image, since, past, next>>

(* WRITE-2, WRITE-3. The content is one that nobody else writes. *)
Content(r) == 3 + r
Grown(world, volume, b, c) ==
    IF world.standings = {} THEN world ELSE [world EXCEPT ![volume][b] = @ \cup {c}]
Landed(r) ==
    LET volume == Step(r)[2]
        b == Step(r)[3]
    IN /\ disk' = [disk EXCEPT ![volume][b] = Written(@, Content(r))]
       /\ ImageBecomes(IF volume = "target" THEN [image EXCEPT ![b] = Content(r)] ELSE image)
       /\ past' = {Grown(world, volume, b, Content(r)) : world \in past}
       /\ next' = Grown(next, volume, b, Content(r))
Put(r) ==
    /\ Does(r, "put")
    /\ Landed(r)
    /\ wrong' = IF Step(r)[4] = "stopped" /\ Tracking THEN wrong \cup {"ERR-5"} ELSE wrong
    /\ Advance(r)
    /\ UNCHANGED <<memory, header, maps, doubts>>

AllFlushed(cells) == [x \in DOMAIN cells |-> Flushed(cells[x])]
FlushedMap(area) == [copied |-> AllFlushed(area.copied), modified |-> AllFlushed(area.modified)]

(* ERR-5, ERR-6: a device whose flush failed refuses; the map not to who records the stop since. *)
Refuses(r, device) ==
    /\ Fault # "a failed flush is forgotten"
    /\ device \in doubts.doubted
    /\ ~(device = "map" /\ r \in doubts.knowing)
Refusing(r, of) == {device \in of : Refuses(r, device)}

(* The source is flushed before the map. *)
First(of) == IF "source" \in of THEN {"source"} ELSE of
AreFlushed(of) ==
    /\ disk' = [v \in Volumes |-> IF v \in of THEN AllFlushed(disk[v]) ELSE disk[v]]
    /\ header' = IF "map" \in of THEN Flushed(header) ELSE header
    /\ maps' = IF "map" \in of THEN [a \in Areas |-> FlushedMap(maps[a])] ELSE maps

Flush(r) ==
    /\ Does(r, "flush")
    /\ Refusing(r, Step(r)[2]) = {}
    /\ AreFlushed(Step(r)[2])
    /\ Advance(r)
    /\ UNCHANGED <<memory, doubts, judges>>

(* FLUSH-1, CRASH-1: what a host has flushed may not be missing later. Where a grain is uncopied  *)
(* no host has written to the target.                                                             *)
MakeDurable(r) ==
    /\ Does(r, "make durable")
    /\ ~Refuses(r, Step(r)[2])
    /\ LET volume == Step(r)[2]
           Sure(b) == volume = "source" \/ GrainOf(b) \in memory.copied
           early == Fault = "a flush is answered early"
       IN /\ disk' = IF early THEN disk ELSE [disk EXCEPT ![volume] = AllFlushed(@)]
          /\ past' = {[world EXCEPT ![volume] =
                         [b \in Blocks |-> IF Sure(b) THEN {disk[volume][b].now} ELSE @[b]]] :
                      world \in past}
    /\ Advance(r)
    /\ UNCHANGED <<memory, header, maps, doubts, image, since, next, wrong>>

------------------------------------------------------------------------------
(* Maps *)

(* ORDER-1: its copied and its modified bit. *)
MarkDiverged(r) ==
    /\ Does(r, "mark diverged")
    /\ LET gs == Step(r)[2]
           marked == IF Fault = "only the first copy marks" THEN Uncopied(gs) ELSE gs
       IN memory' = [memory EXCEPT !.copied = @ \cup gs, !.modified = @ \cup marked]
    /\ Advance(r)
    /\ UNCHANGED <<devices, judges>>

MarkCopied(r) ==
    /\ Does(r, "mark copied")
    /\ memory' = [memory EXCEPT !.copied = @ \cup Step(r)[2]]
    /\ Advance(r)
    /\ UNCHANGED <<devices, judges>>

(* ORDER-3: known to be durably diverged. *)
Settle(r) ==
    /\ Does(r, "settle")
    /\ memory' = [memory EXCEPT !.settled = @ \cup Step(r)[2]]
    /\ Advance(r)
    /\ UNCHANGED <<devices, judges>>

WrittenBits(cells, gs) == [g \in Grains |-> Written(cells[g], g \in gs)]
WrittenMap(area, copied, modified) ==
    [copied |-> WrittenBits(area.copied, copied),
     modified |-> WrittenBits(area.modified, modified)]

(* The maps as they are in memory, to where the header says. All grains are in one sector here. *)
Saved == [maps EXCEPT ![memory.area] = WrittenMap(@, memory.copied, memory.modified)]
Save(r) ==
    /\ Does(r, "save")
    /\ maps' = Saved
    /\ Advance(r)
    /\ UNCHANGED <<memory, disk, header, doubts, judges>>

(* ORDER-4: the new maps go to the other area. *)
Elsewhere == IF Fault = "the maps are merged in place" THEN memory.area ELSE 1 - memory.area
Known(does) == memory.prepared # << >> /\ memory.prepared[2] = Merged(does)
Prepared(does) ==
    IF Known(does) THEN maps \* what is there already is not written again
    ELSE [maps EXCEPT ![Elsewhere] =
            IF memory.prepared = << >> THEN WrittenMap(@, Merged(does), {})
            ELSE [@ EXCEPT !.copied = WrittenBits(@, Merged(does))]]
Prepare(r) ==
    /\ Does(r, "prepare")
    /\ maps' = Prepared(Step(r)[2])
    /\ memory' = [memory EXCEPT !.prepared = <<Step(r)[2], Merged(Step(r)[2])>>]
    /\ Advance(r)
    /\ UNCHANGED <<disk, header, doubts, judges>>

(* The second time, with all grains: what has changed by then must be flushed, and the source. *)
PrepareAgain(r) ==
    /\ Does(r, "prepare again")
    /\ LET does == Step(r)[2]
           map == IF Known(does) THEN {} ELSE {"map"}
           both == IF Fault = "sync does not flush the source" THEN map ELSE {"source"} \cup map
       IN /\ maps' = Prepared(does)
          /\ memory' = [memory EXCEPT !.prepared = <<does, Merged(does)>>]
          /\ GoOn(r, If(Fault # "the header comes before the flush",
                        <<<<"flush", both, IF map = {} THEN "end" ELSE Step(r)[3]>>>>) \o Rest(r))
    /\ UNCHANGED <<read, disk, header, doubts, judges>>

------------------------------------------------------------------------------
(* The header; and what may be after a crash, as a world (CRASH-1 to CRASH-3). *)

(* The contents that a block of either volume may show, and the standings there may be. *)
World(s, t, standings) == [source |-> s, target |-> t, standings |-> standings]
NoWorld == World([b \in Blocks |-> {}], [b \in Blocks |-> {}], {})

(* Once a start or sync may be durable, so must be the source as it is now, for both volumes. *)
AtSource ==
    LET now == [b \in Blocks |-> {disk.source[b].now}] IN World(now, now, {"tracking"})

(* A start or sync that ends without having happened: nobody knows whether it did (ERR-5). *)
Leaves(r, steps) ==
    LET open == steps = << >> /\ asked[r].does \in {"start", "sync"} /\ next.standings # {}
    IN /\ past' = IF open THEN past \cup {next} ELSE past
       /\ next' = IF open THEN NoWorld ELSE next

(* STOP-1, LIFE-1. *)
Leads(does) ==
    CASE does \in {"start", "sync"} -> "tracking"
      [] does = "stop" /\ State \in {"idle", "copied"} -> "idle"
      [] OTHER -> "stopped"
Offered(world, standing) ==
    IF world.standings = {} THEN world ELSE [world EXCEPT !.standings = @ \cup {standing}]

Heading(does) ==
    [standing |-> Leads(does), area |-> IF Leads(does) = "tracking" THEN Elsewhere ELSE memory.area]
Offers(does) ==
    /\ memory' = [memory EXCEPT !.area = Heading(does).area, !.headed = Leads(does)]
    /\ IF Leads(does) = "tracking" THEN past' = past /\ next' = AtSource
       ELSE /\ past' = {Offered(world, Leads(does)) : world \in past}
            /\ next' = Offered(next, Leads(does))

Commit(r) ==
    /\ Does(r, "commit")
    /\ header' = Written(header, Heading(Step(r)[2]))
    /\ Offers(Step(r)[2])
    /\ Advance(r)
    /\ UNCHANGED <<disk, maps, doubts, image, since, wrong>>

(* ERR-5: what is not settled comes back to record the stop, and what was prepared is not known.  *)
(* The map may be flushed past the failures so far, to record it.                                 *)
Distrust(r) ==
    /\ Does(r, "distrust")
    /\ memory' = [memory EXCEPT !.standing = "stopped", !.settled = {}, !.cursor = 0,
                                !.prepared = << >>]
    /\ LET known == IF "map" \in doubts.doubted THEN doubts.knowing \cup {r} ELSE {}
       IN doubts' = [doubts EXCEPT !.knowing = IF Rest(r) = << >> THEN known \ {r} ELSE known]
    /\ Leaves(r, Rest(r))
    /\ Advance(r)
    /\ UNCHANGED <<disk, header, maps, image, since, wrong>>

(* CONC-2: the instant of a start or sync; it is answered with the same step. COPY-3: from 0 on. *)
Adopt(r) ==
    /\ Does(r, "adopt")
    /\ LET does == Step(r)[2]
           stands == header.now.standing
           cursor == IF Fault = "the cursor stays" THEN memory.cursor ELSE 0
           settled == IF Fault = "settled survives a sync" THEN memory.settled ELSE {}
           Only(world) == IF world.standings = {} THEN world
                          ELSE [world EXCEPT !.standings = {stands}]
           stopped == stands = "stopped"
           open == does = "give up" /\ Rest(r) = << >> /\ next.standings # {}
       IN IF does \in {"stop", "give up"}
          THEN /\ memory' = Ended(stands)
               /\ past' = {Only(world) : world \in past} \cup (IF open THEN {Only(next)} ELSE {})
               /\ next' = IF open THEN NoWorld ELSE Only(next)
               /\ doubts' = IF stopped
                            THEN [doubts EXCEPT !.doubted = @ \ {"target", "map"}, !.knowing = {}]
                            ELSE doubts
               /\ UNCHANGED <<image, since>>
          ELSE /\ memory' = [memory EXCEPT !.standing = "tracking", !.copied = Merged(does),
                                           !.modified = {}, !.settled = settled,
                                           !.cursor = cursor, !.prepared = << >>]
               /\ ImageBecomes([b \in Blocks |-> disk.source[b].now])
               /\ past' = {next}
               /\ next' = NoWorld
               /\ UNCHANGED doubts
    /\ Advance(r)
    /\ UNCHANGED <<disk, header, maps, wrong>>
==============================================================================
