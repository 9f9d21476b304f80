----------------------------- MODULE PowerLoss ------------------------------
(* The power fails: of what no flush covers any subset survives, and the      *)
(* relationship is opened again. The outcome is right if it is one that may   *)
(* be, with the start or sync in flight or without it.                        *)

EXTENDS Failures

(* REC-1: a modified bit whose copied bit is not set is dropped; what is diverged is settled. *)
Recovered(heading, copied, modified) ==
    IF heading.standing # "tracking" THEN Untied(heading.standing, heading.area)
    ELSE [standing |-> "tracking", headed |-> "tracking", prepared |-> << >>,
          area |-> heading.area, copied |-> copied,
          modified |-> IF Fault = "a lone modified bit is kept" THEN modified
                       ELSE copied \cap modified,
          settled |-> copied \cap modified, cursor |-> 0]

Allows(world, standing, s, t) ==
    /\ standing \in world.standings
    /\ \A b \in Blocks : s[b] \in world.source[b]
    /\ standing # "stopped" => \A b \in Blocks : t[b] \in world.target[b]

(* What the target shows of these contents with these grains copied (READ-2). *)
Seen(s, t, copied) == [b \in Blocks |-> IF GrainOf(b) \in copied THEN t[b] ELSE s[b]]

NoDoubts(left) == [left |-> left, doubted |-> {}, knowing |-> {}]

Bits(gs) == [g \in Grains |-> Holding(g \in gs)]
Durable(values) == [x \in DOMAIN values |-> Holding(values[x])]

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
              right == \E world \in past \cup {next} : Allows(world, heading.standing, s, seen)
              other == IF heading.area = 0 THEN 1 ELSE 0
          IN /\ memory' = again
             /\ disk' = [source |-> Durable(s), target |-> Durable(t)]
             /\ header' = Holding(heading)
             /\ maps' = (heading.area :> [copied |-> Durable(copied), modified |-> Durable(modified)])
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
    /\ past' = {NoWorld}
    /\ doubts' = NoDoubts(0)
    /\ next' = NoWorld
==============================================================================
