------------------------------- MODULE Images -------------------------------
(* The whole meaning of flashcopy (IMG-1, IMG-2): two images, and what may    *)
(* happen to them. It knows nothing of grains, maps or copying; the module    *)
(* Grain shows that a machine with all of these does no more than this one.   *)

CONSTANTS Blocks, Contents

VARIABLES source, target

TypeOK == source \in [Blocks -> Contents] /\ target \in [Blocks -> Contents]

(* IMG-1: a write changes the image of its own volume. *)
WriteSource(b, c) == source' = [source EXCEPT ![b] = c] /\ UNCHANGED target
WriteTarget(b, c) == target' = [target EXCEPT ![b] = c] /\ UNCHANGED source

(* IMG-1: start and sync make the target image equal to the source image. *)
MovePoint == target' = source /\ UNCHANGED source

Next ==
    \/ \E b \in Blocks, c \in Contents : WriteSource(b, c) \/ WriteTarget(b, c)
    \/ MovePoint

(* IMG-2: nothing else changes anything: every other step leaves both alone. *)
Spec == TypeOK /\ [][Next]_<<source, target>>
=============================================================================
