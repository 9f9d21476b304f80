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
    Scopes,         \* sets of requests in flight, each a sequence (see the module Scopes)
    Crashes,        \* whether the power may fail
    Fault

Grains == 0..LastGrain
Blocks == 0..(GrainBlocks * (LastGrain + 1) - 1)
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
    memory,     \* what a crash forgets: standing, area, the maps, settled, cursor
    disk,       \* the blocks of source and target
    header,     \* the map file's header: standing, and the area that holds the maps
    maps,       \* the map file's areas: copied and modified bit of each grain
    image,      \* what readers of the target must see (IMG-1)
    since,      \* for each read of the target what that has been since it decided, by block
    past,       \* what may be after a crash if no start or sync in flight happened
    next,       \* what may be if the one in flight did
    wrong       \* clauses that some step has broken

(* What a step does not touch is said by one of these names. *)
flow == <<origin, asked, plan, read, claim, behind>>
devices == <<disk, header, maps>>
judges == <<image, since, past, next, wrong>>
vars == <<flow, memory, devices, judges>>

Requests == DOMAIN asked

------------------------------------------------------------------------------
(* Memory *)

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
    IN IF ahead = {} THEN {} ELSE {g \in ahead : g < first + n /\ first..g \subseteq ahead}

(* SYNC-2, START-1: the grains that stay copied. *)
Merged(does) == IF does = "start" THEN {} ELSE memory.copied \ memory.modified

(* LIFE-2: in idle and stopped every grain counts as copied and modified. *)
Untied(standing, area) ==
    [standing |-> standing, area |-> area, copied |-> Grains, modified |-> Grains,
     settled |-> Grains, cursor |-> 0]

------------------------------------------------------------------------------
(* Plans *)

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
    LET Show(b) == <<"show", volume, b, IF b \in fake THEN "source" ELSE volume>>
    IN Each(Show, bs)

(* COPY-1, of some grains, and made durable: ORDER-1, ORDER-2. *)
Copy(gs, flushed) ==
    LET Fetch(b) == <<"fetch", b>>
        Store(b) == <<"store", b>>
    IN If(gs # {},
          Each(Fetch, BlocksOf(gs)) \o Each(Store, BlocksOf(gs))
          \o If(flushed, <<<<"flush", {"target"}>>>>))

Grain(gs, alone) == <<<<"ask grains", gs, alone>>>>
Copier == <<<<"ask copier">>>>

(* CONC-3, CONC-4: reads and the background copy share their grains, the others have them alone. *)
Plan(ask) ==
    LET gs == GrainsOf(ask.blocks)
    IN CASE ask.does = "read source" ->
            Grain(gs, FALSE) \o Shows("source", ask.blocks, {})
      [] ask.does = "read target" ->
            If(Fault # "reads of the target take no lock", Grain(gs, FALSE))
            \o <<<<"route", ask.blocks>>>>
      [] ask.does = "write source" ->
            Grain(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("source", ask.blocks)
      [] ask.does = "write target" ->
            Grain(gs, TRUE) \o <<<<"diverge", gs>>>> \o Puts("target", ask.blocks)
      [] ask.does = "copy" ->
            Copier \o <<<<"choose", ask.limit>>>>
      [] ask.does = "stop" ->
            Copier \o Grain(Grains, TRUE)
            \o <<<<"commit", "stop">>, <<"flush", {"map"}>>, <<"adopt", "stop">>>>
      [] OTHER -> \* start and sync
            LET held == IF Fault = "sync takes no grains" THEN {} ELSE Grains
                whole == Grain(held, Fault # "sync shares its grains")
                both == IF Fault = "sync does not flush the source" THEN {"map"}
                        ELSE {"source", "map"}
            IN IF Fault = "grains before the copier" THEN whole \o Copier
               ELSE
                Copier
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

------------------------------------------------------------------------------
(* How a request goes on *)

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
(* start that finds the relationship stopped sees to it first that this is recorded (ERR-5).      *)
Refused(r, of) ==
    \/ of = "copier" /\ asked[r].does = "sync" /\ ~Tracking
    \/ of = "grains" /\ asked[r].does \in {"read target", "write target"} /\ State = "stopped"
Granted(r, of) ==
    IF Refused(r, of) THEN << >>
    ELSE If(of = "copier" /\ asked[r].does = "start" /\ State = "stopped", <<<<"is it recorded">>>>)
         \o Rest(r)

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

(* ERR-5: it always is, for no device fails here. *)
LookUpRecorded(r) ==
    /\ Does(r, "is it recorded")
    /\ LookUp(r, << >>)
    /\ UNCHANGED memory

(* WRITE-1. *)
LookUpUnsettled(r) ==
    /\ Does(r, "diverge")
    /\ LET gs == Step(r)[2]
           seen == IF Fault = "only the first grain is prepared"
                   THEN {g \in gs : \A h \in gs : g <= h} ELSE gs
       IN LookUp(r, Diverge(Unsettled(seen)))
    /\ UNCHANGED memory

LookUpBefore(r) ==
    /\ Does(r, "copy before")
    /\ LookUp(r, Copy(Uncopied(Step(r)[2]), Fault # "the target is not flushed"))
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
       IN /\ LookUp(r, If(gs # {}, Grain(lock, FALSE) \o <<<<"copy", gs>>>>))
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
           shown == disk[Step(r)[4]][b].now
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
    /\ UNCHANGED <<memory, header, maps, image, since, past, next>>

(* WRITE-2, WRITE-3. The content is one that nobody else writes. *)
Content(r) == 3 + r
Grown(world, volume, b, c) ==
    IF world.standings = {} THEN world ELSE [world EXCEPT ![volume][b] = @ \cup {c}]
Put(r) ==
    /\ Does(r, "put")
    /\ LET volume == Step(r)[2]
           b == Step(r)[3]
       IN /\ disk' = [disk EXCEPT ![volume][b] = Written(@, Content(r))]
          /\ ImageBecomes(IF volume = "target" THEN [image EXCEPT ![b] = Content(r)] ELSE image)
          /\ past' = Grown(past, volume, b, Content(r))
          /\ next' = Grown(next, volume, b, Content(r))
    /\ Advance(r)
    /\ UNCHANGED <<memory, header, maps, wrong>>

AllFlushed(cells) == [x \in DOMAIN cells |-> Flushed(cells[x])]
FlushedMap(area) == [copied |-> AllFlushed(area.copied), modified |-> AllFlushed(area.modified)]

Flush(r) ==
    /\ Does(r, "flush")
    /\ LET of == Step(r)[2]
       IN /\ disk' = [v \in Volumes |-> IF v \in of THEN AllFlushed(disk[v]) ELSE disk[v]]
          /\ header' = IF "map" \in of THEN Flushed(header) ELSE header
          /\ maps' = IF "map" \in of THEN [a \in Areas |-> FlushedMap(maps[a])] ELSE maps
    /\ Advance(r)
    /\ UNCHANGED <<memory, judges>>

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
Save(r) ==
    /\ Does(r, "save")
    /\ maps' = [maps EXCEPT ![memory.area] = WrittenMap(@, memory.copied, memory.modified)]
    /\ Advance(r)
    /\ UNCHANGED <<memory, disk, header, judges>>

(* ORDER-4: the new maps go to the other area. *)
Elsewhere == IF Fault = "the maps are merged in place" THEN memory.area ELSE 1 - memory.area
Prepare(r) ==
    /\ Does(r, "prepare")
    /\ maps' = [maps EXCEPT ![Elsewhere] = WrittenMap(@, Merged(Step(r)[2]), {})]
    /\ Advance(r)
    /\ UNCHANGED <<memory, disk, header, judges>>

------------------------------------------------------------------------------
(* The header; and what may be after a crash, as a world (CRASH-1 to CRASH-3). *)

(* The contents that a block of either volume may show, and the standings there may be. *)
World(s, t, standings) == [source |-> s, target |-> t, standings |-> standings]
NoWorld == World([b \in Blocks |-> {}], [b \in Blocks |-> {}], {})

(* Once a start or sync may be durable, so must be the source as it is now, for both volumes. *)
AtSource ==
    LET now == [b \in Blocks |-> {disk.source[b].now}] IN World(now, now, {"tracking"})

(* STOP-1, LIFE-1. *)
Leads(does) ==
    IF does # "stop" THEN "tracking" ELSE IF State \in {"idle", "copied"} THEN "idle" ELSE "stopped"

Commit(r) ==
    /\ Does(r, "commit")
    /\ LET does == Step(r)[2]
           area == IF does = "stop" THEN memory.area ELSE Elsewhere
           leads == Leads(does)
       IN /\ header' = Written(header, [standing |-> leads, area |-> area])
          /\ next' = IF does = "stop" THEN next ELSE AtSource
          /\ past' = IF does = "stop" THEN [past EXCEPT !.standings = @ \cup {leads}] ELSE past
    /\ Advance(r)
    /\ UNCHANGED <<memory, disk, maps, image, since, wrong>>

(* CONC-2: the instant of a start or sync; it is answered with the same step. COPY-3: from 0 on. *)
Adopt(r) ==
    /\ Does(r, "adopt")
    /\ LET does == Step(r)[2]
           stands == header.now.standing
           cursor == IF Fault = "the cursor stays" THEN memory.cursor ELSE 0
           settled == IF Fault = "settled survives a sync" THEN memory.settled ELSE {}
       IN IF does = "stop"
          THEN /\ memory' = Untied(stands, memory.area)
               /\ past' = [past EXCEPT !.standings = {stands}]
               /\ UNCHANGED <<image, since, next>>
          ELSE /\ memory' = [standing |-> stands, area |-> header.now.area,
                             copied |-> Merged(does), modified |-> {}, settled |-> settled,
                             cursor |-> cursor]
               /\ ImageBecomes([b \in Blocks |-> disk.source[b].now])
               /\ past' = next
               /\ next' = NoWorld
    /\ Advance(r)
    /\ UNCHANGED <<devices, wrong>>

------------------------------------------------------------------------------
(* The power fails. *)

(* REC-1: a modified bit whose copied bit is not set is dropped; what is diverged is settled. *)
Recovered(heading, copied, modified) ==
    IF heading.standing # "tracking" THEN Untied(heading.standing, heading.area)
    ELSE [standing |-> "tracking", area |-> heading.area, copied |-> copied,
          modified |-> IF Fault = "a lone modified bit is kept" THEN modified
                       ELSE copied \cap modified,
          settled |-> copied \cap modified, cursor |-> 0]

Allows(world, standing, s, t) ==
    /\ standing \in world.standings
    /\ \A b \in Blocks : s[b] \in world.source[b]
    /\ standing # "stopped" => \A b \in Blocks : t[b] \in world.target[b]

(* What the target shows of these contents with these grains copied (READ-2). *)
Seen(s, t, copied) == [b \in Blocks |-> IF GrainOf(b) \in copied THEN t[b] ELSE s[b]]

Bits(gs) == [g \in Grains |-> Holding(g \in gs)]
Known(values) == [x \in DOMAIN values |-> Holding(values[x])]

(* Any subset of what was not flushed survives; then the relationship is opened again. What is  *)
(* left of the area that is not named matters to nobody.                                        *)
Crash ==
    /\ Crashes
    /\ asked # << >>
    /\ \E heading \in header.may,
          s \in Survivors(disk.source), t \in Survivors(disk.target) :
       \E copied \in Survivors(maps[heading.area].copied),
          modified \in Survivors(maps[heading.area].modified) :
          LET again == Recovered(heading, {g \in Grains : copied[g]}, {g \in Grains : modified[g]})
              seen == Seen(s, t, again.copied)
              right == \E world \in {past, next} : Allows(world, heading.standing, s, seen)
              other == IF heading.area = 0 THEN 1 ELSE 0
          IN /\ memory' = again
             /\ disk' = [source |-> Known(s), target |-> Known(t)]
             /\ header' = Holding(heading)
             /\ maps' = (heading.area :> [copied |-> Known(copied), modified |-> Known(modified)])
                        @@ (other :> [copied |-> Bits({}), modified |-> Bits({})])
             /\ image' = seen
             /\ wrong' = IF right THEN wrong ELSE wrong \cup {"CRASH"}
    /\ origin' = "a crash"
    /\ asked' = << >>
    /\ plan' = << >>
    /\ read' = << >>
    /\ claim' = << >>
    /\ since' = << >>
    /\ behind' = << >>
    /\ past' = NoWorld
    /\ next' = NoWorld

------------------------------------------------------------------------------
(* The machine *)

(* The initial states are all that a relationship can be at rest in, a modified bit among them    *)
(* that lost its copied bit in a crash (REC-1). Contents are as different as they may be: 0 the   *)
(* source's, 1 the target's; where nothing ties the sides also with an older content, 2 or 3,     *)
(* that a crash may bring back. The area not in use holds the worst: all copied, none modified.   *)
AtRest(scope, standing, copied, modified, used) ==
    LET dirty == IF used THEN copied \cap modified ELSE {}
        clean == copied \ modified
        OfSource(b) == [now |-> 0, may |-> IF GrainOf(b) \in dirty THEN {0, 2} ELSE {0}]
        OfTarget(b) ==
            LET c == IF GrainOf(b) \in clean THEN 0 ELSE 1
            IN [now |-> c,
                may |-> IF GrainOf(b) \in dirty /\ standing # "stopped" THEN {c, 3} ELSE {c}]
        ImageCell(b) == IF GrainOf(b) \in copied THEN OfTarget(b) ELSE OfSource(b)
    IN /\ origin = <<standing, copied, modified, used>>
       /\ asked = scope
       /\ plan = [r \in DOMAIN scope |-> Plan(scope[r])]
       /\ read = [r \in DOMAIN scope |-> Unread]
       /\ since = [r \in DOMAIN scope |-> Unread]
       /\ claim = [r \in DOMAIN scope |-> Nothing]
       /\ behind = [r \in DOMAIN scope |-> {}]
       /\ memory = Recovered([standing |-> standing, area |-> 0], copied, modified)
       /\ disk = [source |-> [b \in Blocks |-> OfSource(b)],
                  target |-> [b \in Blocks |-> OfTarget(b)]]
       /\ header = Holding([standing |-> standing, area |-> 0])
       /\ maps = (0 :> [copied |-> Bits(copied), modified |-> Bits(modified)])
                 @@ (1 :> [copied |-> Bits(Grains), modified |-> Bits({})])
       /\ image = [b \in Blocks |-> ImageCell(b).now]
       /\ past = World([b \in Blocks |-> OfSource(b).may], [b \in Blocks |-> ImageCell(b).may],
                       {standing})
       /\ next = NoWorld
       /\ wrong = {}

Init ==
    \E scope \in Scopes, used \in BOOLEAN :
        \/ \E standing \in {"idle", "stopped"} : AtRest(scope, standing, Grains, Grains, used)
        \/ \E copied, modified \in SUBSET Grains :
            /\ used => copied \cap modified # {}
            /\ AtRest(scope, "tracking", copied, modified, used)

Takes(r) ==
    \/ AskCopier(r) \/ AskGrains(r) \/ Wait(r) \/ LookUpRecorded(r)
    \/ LookUpUnsettled(r) \/ LookUpBefore(r) \/ LookUpRoute(r) \/ LookUpNext(r) \/ LookUpCopy(r)
    \/ Show(r) \/ Fetch(r) \/ Store(r) \/ Put(r) \/ Flush(r)
    \/ MarkDiverged(r) \/ MarkCopied(r) \/ Settle(r) \/ Save(r)
    \/ Prepare(r) \/ Commit(r) \/ Adopt(r)

AllAnswered == \A r \in Requests : plan[r] = << >>

(* Of two equal requests the first begins first: the other order is the same, the two exchanged. *)
Begun(r) == plan[r] # Plan(asked[r])
MayGoOn(r) ==
    ~(~Begun(r) /\ \E q \in Requests : q < r /\ asked[q] = asked[r] /\ ~Begun(q))

Next == (\E r \in Requests : MayGoOn(r) /\ Takes(r)) \/ Crash

Spec == Init /\ [][Next]_vars

FairSpec == Spec /\ \A r \in 1..3 : WF_vars(r \in Requests /\ MayGoOn(r) /\ Takes(r))

------------------------------------------------------------------------------
(* What must hold *)

(* INV-1: a clean copy is equal, also after a crash; so a sync then is right (IMG-1). *)
CleanCopyIsEqual ==
    Tracking => \A b \in BlocksOf(memory.copied \ memory.modified) :
                    disk.source[b].now = disk.target[b].now

(* INV-2. *)
ModifiedIsCopied == memory.modified \subseteq memory.copied

(* IMG-1, IMG-2: whatever happens, what is read is the image. In stopped there is none. *)
TargetShowsItsImage ==
    memory.standing # "stopped" =>
        \A b \in Blocks :
            image[b] = disk[IF GrainOf(b) \in memory.copied THEN "target" ELSE "source"][b].now

(* READ-2, CONC-3. *)
ReadsAreRight == "READ-2" \notin wrong

(* CRASH-1, CRASH-2, CRASH-3. *)
CrashesAreRight == "CRASH" \notin wrong

(* COPY-3, COPY-5: no uncopied grain is behind the cursor. *)
NoneBehind == \A g \in Uncopied(Grains) : g >= memory.cursor

(* MIN-2. *)
CopiedOnce == "MIN-2" \notin wrong

(* Settled means what it says (ORDER-3). *)
SettledIsDurable ==
    Tracking =>
        \A g \in memory.settled : /\ maps[memory.area].copied[g] = Holding(TRUE)
                                  /\ maps[memory.area].modified[g] = Holding(TRUE)

(* CONC-4: who has not been answered can go on, or waits for somebody who can. *)
NobodyIsStuck ==
    AllAnswered \/ \E r \in Requests : plan[r] # << >> /\ (Step(r)[1] = "wait" => behind[r] = {})

(* CONC-4: every request is answered at last. *)
Answered == <>(AllAnswered)

(* A view that takes what a crash leaves for the same if whoever opens it reads the same maps. *)
MapsAfterCrash ==
    IF asked # << >> THEN vars
    ELSE <<header.now.standing, IF Tracking THEN maps[header.now.area] ELSE << >>, wrong>>
==============================================================================
