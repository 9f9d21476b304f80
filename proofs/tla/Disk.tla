-------------------------------- MODULE Disk ---------------------------------
(* What is assumed of disks (DISK-1 to DISK-4), for one block: what it holds  *)
(* now, and the set of what a crash may leave there. After a flush that failed  *)
(* it can be lost: then no later flush makes it durable, only a new write does. *)
(*                                                                            *)
(* A set is enough. Of the writes no flush covers any subset survives, and of *)
(* those to one block the latest of the survivors is what it then holds: so   *)
(* each of them may be it, or none and it is what was durable.                *)

EXTENDS FiniteSets

Holding(c) == [now |-> c, may |-> {c}, lost |-> FALSE]

(* DISK-1, DISK-2: readers see it at once; after a crash it is there whole or not at all. *)
Written(cell, c) == [now |-> c, may |-> cell.may \cup {c}, lost |-> FALSE]

(* DISK-3. *)
Flushed(cell) == IF cell.lost THEN cell ELSE Holding(cell.now)

(* ERR-5, ERR-6: a flush that failed is never made good by a later one. *)
FlushFailed(cell) == [cell EXCEPT !.lost = cell.may # {cell.now}]

(* DISK-4: everything that a crash can leave of several blocks, each kept or lost by itself. *)
Survivors(cells) ==
    {left \in [DOMAIN cells -> UNION {cells[b].may : b \in DOMAIN cells}] :
        \A b \in DOMAIN cells : left[b] \in cells[b].may}
==============================================================================
