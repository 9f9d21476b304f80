------------------------------ MODULE Protocol -------------------------------
(* The whole machine, the interleaved protocol of docs/spec.md: from every    *)
(* state that a relationship can be at rest in, a few requests step in any    *)
(* order, and the power may fail between any two steps. And what must hold of *)
(* it.                                                                        *)

EXTENDS PowerLoss

(* The initial states are all that a relationship can be at rest in, a modified bit among them    *)
(* that lost its copied bit in a crash (REC-1). Contents are as different as they may be: 0 the   *)
(* source's, 1 the target's; where nothing ties the sides also with an older content, 2 or 3,     *)
(* that a crash may bring back. The area not in use holds the worst: all copied, none modified.   *)
AtRest(scope, standing, copied, modified, used) ==
    LET dirty == IF used THEN copied \cap modified ELSE {}
        clean == copied \ modified
        OfSource(b) == [now |-> 0, may |-> IF GrainOf(b) \in dirty THEN {0, 2} ELSE {0},
                        lost |-> FALSE]
        OfTarget(b) ==
            LET c == IF GrainOf(b) \in clean THEN 0 ELSE 1
            IN [now |-> c,
                may |-> IF GrainOf(b) \in dirty /\ standing # "stopped" THEN {c, 3} ELSE {c},
                lost |-> FALSE]
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
       /\ past = {World([b \in Blocks |-> OfSource(b).may], [b \in Blocks |-> ImageCell(b).may],
                        {standing})}
       /\ doubts = NoDoubts(Failures)
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
    \/ Show(r) \/ Fetch(r) \/ Store(r) \/ Put(r) \/ Flush(r) \/ MakeDurable(r)
    \/ MarkDiverged(r) \/ MarkCopied(r) \/ Settle(r) \/ Save(r)
    \/ Prepare(r) \/ PrepareAgain(r) \/ Commit(r) \/ Adopt(r) \/ Distrust(r) \/ Fails(r)

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

(* ERR-5: if a write has gone on after a failure, the relationship had stopped before.  *)
HasStopped == "ERR-5" \notin wrong

(* CRASH-1, CRASH-2, CRASH-3. *)
CrashesAreRight == "CRASH" \notin wrong

(* COPY-3, COPY-5: no uncopied grain is behind the cursor. *)
NoneBehind == \A g \in Uncopied(Grains) : g >= memory.cursor

(* MIN-2. *)
CopiedOnce == "MIN-2" \notin wrong

(* Settled means what it says (ORDER-3). *)
SettledIsDurable ==
    Tracking /\ next.standings = {} => \* until memory follows the header
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
