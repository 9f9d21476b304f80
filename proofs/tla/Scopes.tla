------------------------------- MODULE Scopes --------------------------------
(* Sets of requests in flight, by the names that the configurations use. In   *)
(* which order they begin is part of the schedule.                            *)

EXTENDS Protocol

(* Runs of blocks that hosts ask for: each grain whole, the first block of each, and the two  *)
(* blocks on either side of each boundary between grains.                                     *)
Whole(g) == ((g * GrainBlocks)..(g * GrainBlocks + GrainBlocks - 1)) \cap Blocks
Runs ==
    {Whole(g) : g \in Grains}
    \cup IF GrainBlocks = 1 THEN {}
         ELSE {{g * GrainBlocks} : g \in Grains}
              \cup {{g * GrainBlocks - 1, g * GrainBlocks} : g \in Grains \ {0}}

Of(does, blocks) == [does |-> does, blocks |-> blocks, limit |-> 0]
HostRequests ==
    {Of(does, run) : does \in {"write source", "write target", "read source", "read target"},
                     run \in Runs}
CopyOne == [does |-> "copy", blocks |-> {}, limit |-> 1]
EveryRequest ==
    HostRequests \cup {CopyOne, Of("sync", {}), Of("start", {}), Of("stop", {})}

(* The same in some order, in which the sequences below name them. *)
RECURSIVE InOrder(_)
InOrder(requests) ==
    IF requests = {} THEN << >>
    ELSE LET one == CHOOSE r \in requests : TRUE IN <<one>> \o InOrder(requests \ {one})

(* Every request by itself, every two, every three, one and the same more than once included. *)
Some(n) ==
    LET menu == InOrder(EveryRequest)
        chosen == {at \in [1..n -> 1..Len(menu)] : \A i \in 1..(n - 1) : at[i] <= at[i + 1]}
    IN {[i \in 1..n |-> menu[at[i]]] : at \in chosen}

UpToOne == Some(1)
UpToTwo == Some(1) \cup Some(2)
UpToThree == Some(1) \cup Some(2) \cup Some(3)

(* A flush of either volume beside each request, or beside two writes. The explorer has none. *)
Flushes == {Of("flush source", {}), Of("flush target", {})}
RequestAndFlush == {<<r, f>> : r \in EveryRequest, f \in Flushes}
Writes == {r \in HostRequests : r.does \in {"write source", "write target"}}
TwoWritesAndFlush == {<<r[1], r[2], f>> : r \in {<<v, w>> : v, w \in Writes}, f \in Flushes}
WriteTargetAndFlush == {<<Of("write target", Whole(0)), Of("flush target", {})>>}

(* The fewest in which a fault can show (CONC-2, CONC-3, ORDER-3, ORDER-4, COPY-3). *)
FirstGrain == Whole(0)
WriteAndRead == {<<Of("write source", FirstGrain), Of("read target", FirstGrain)>>}
WriteAndSync == {<<Of("write source", FirstGrain), Of("sync", {})>>}
ReadAndSync == {<<Of("read target", FirstGrain), Of("sync", {})>>}
TwoWrites == {<<Of("write source", FirstGrain), Of("write target", FirstGrain)>>}
WriteAndCopy == {<<Of("write source", FirstGrain), CopyOne>>}
CopyAndSync == {<<CopyOne, Of("sync", {})>>}
==============================================================================
