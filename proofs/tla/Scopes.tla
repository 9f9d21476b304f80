------------------------------- MODULE Scopes --------------------------------
(* Sets of requests in flight, by the names that the configurations use.      *)

EXTENDS Protocol

Of(does, blocks) == [does |-> does, blocks |-> blocks, limit |-> 0]
CopyOne == [does |-> "copy", blocks |-> {}, limit |-> 1]

(* Each request once, on whole grains: the first grain's if it is about a grain. *)
First == 0..(GrainBlocks - 1)
Menu == <<Of("write source", First), Of("write target", First), Of("read source", First),
          Of("read target", First), CopyOne, Of("sync", {}), Of("start", {}), Of("stop", {})>>

Singles == {<<Menu[i]>> : i \in 1..8}
Pairs == {<<Menu[p[1]], Menu[p[2]]>> : p \in {q \in (1..8) \X (1..8) : q[1] <= q[2]}}
==============================================================================
