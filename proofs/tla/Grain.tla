-------------------------------- MODULE Grain --------------------------------
(* The grain machine of docs/spec.md: two sides and two bits a grain, changed *)
(* by one request at a time. Checked: the invariant (INV-1, INV-2), that its  *)
(* image is the machine of the module Images (IMG-1, IMG-2) whatever it does, *)
(* that a sync uncopies no more than it must (MIN-1), and that the background *)
(* copy always finishes (COPY-5).                                             *)
(*                                                                            *)
(* Fault is "none", or names one of the mistakes that the model checker must  *)
(* notice; see the definitions that mention it.                               *)

EXTENDS Naturals

CONSTANTS Grains, GrainBlocks, Contents, Fault

Blocks == Grains \X GrainBlocks

VARIABLES
    source,     \* the source side: a content for each block
    target,     \* the target side
    copied,     \* the set of copied grains
    modified    \* the set of modified grains

vars == <<source, target, copied, modified>>

BlocksOf(g) == {g} \X GrainBlocks

(* READ-1, READ-2: what readers see. An uncopied grain is read from the source. *)
SourceImage == source
TargetImage == [b \in Blocks |-> IF b[1] \in copied THEN target[b] ELSE source[b]]

(* LIFE-2: at first nothing ties the volumes: every grain is diverged. *)
Init ==
    /\ source \in [Blocks -> Contents]
    /\ target \in [Blocks -> Contents]
    /\ copied = Grains
    /\ modified = Grains

Copied(g) ==
    IF g \in copied
    THEN target
    ELSE [b \in Blocks |-> IF b \in BlocksOf(g) THEN source[b] ELSE target[b]]

(* COPY-1: the target side becomes the source side. A copied grain is left alone. *)
Copy(g) ==
    /\ g \notin copied
    /\ target' = Copied(g)
    /\ copied' = copied \cup {g}
    /\ UNCHANGED <<source, modified>>

Marked(g) ==
    CASE Fault = "only the first copy marks" /\ g \in copied -> modified
      [] OTHER -> modified \cup {g}

(* WRITE-1, WRITE-2: copy, mark, then change the source side. *)
WriteSource(b, c) ==
    /\ target' = IF Fault = "no copy on write" THEN target ELSE Copied(b[1])
    /\ copied' = copied \cup {b[1]}
    /\ modified' = Marked(b[1])
    /\ source' = [source EXCEPT ![b] = c]

(* WRITE-1, WRITE-3: likewise; the copy fills in the blocks that are not written. *)
WriteTarget(b, c) ==
    /\ target' = [IF Fault = "the rest is not filled in" THEN target ELSE Copied(b[1])
                    EXCEPT ![b] = c]
    /\ copied' = copied \cup {b[1]}
    /\ modified' = IF Fault = "target writes are not marked" THEN modified ELSE Marked(b[1])
    /\ UNCHANGED source

(* SYNC-2: what a sync leaves copied. *)
Merged ==
    CASE Fault = "the merge is or" -> copied \cup modified
      [] Fault = "the merge is not modified" -> Grains \ modified
      [] Fault = "the merge uncopies all" -> {}
      [] OTHER -> copied \ modified

(* SYNC-1. That this machine can sync while idle does no harm: there it is a start. *)
Sync ==
    /\ copied' = Merged
    /\ modified' = IF Fault = "the modified map is kept" THEN modified ELSE {}
    /\ UNCHANGED <<source, target>>

(* START-1: the same as marking every grain modified and then syncing. *)
Start ==
    /\ copied' = {}
    /\ modified' = {}
    /\ UNCHANGED <<source, target>>

Write == \E b \in Blocks, c \in Contents : WriteSource(b, c) \/ WriteTarget(b, c)

Next == (\E g \in Grains : Copy(g)) \/ Write \/ Sync \/ Start

Spec == Init /\ [][Next]_vars

------------------------------------------------------------------------------

(* INV-1: a clean copy is equal. *)
CleanCopyIsEqual == \A g \in copied \ modified : \A b \in BlocksOf(g) : source[b] = target[b]

(* INV-2: modified implies copied. *)
ModifiedIsCopied == modified \subseteq copied

(* IMG-1, IMG-2: seen through its images, every step is one of the two images' steps. *)
TwoImages == INSTANCE Images WITH source <- SourceImage, target <- TargetImage
Refines == TwoImages!Spec

(* IMG-1 once more, of the two requests that move the point in time, not only of some step. *)
MovesThePoint == [][(Sync \/ Start) => TargetImage' = source]_vars

(* MIN-1: what is copied and unmodified stays copied. *)
IsMinimal == copied \ modified \subseteq Merged

(* COPY-5: if the background copy keeps running and no start or sync comes, all is copied, *)
(* whatever hosts write meanwhile. Nothing is copied at first.                             *)
SomeCopy == \E g \in Grains : Copy(g)
Started == source \in [Blocks -> Contents] /\ target = source /\ copied = {} /\ modified = {}
Uninterrupted == Started /\ [][SomeCopy \/ Write]_vars /\ WF_vars(SomeCopy)
Finishes == <>(copied = Grains)
==============================================================================
