/* What must hold in every state, and of everything that a power failure could leave just then. None
 * of it tells two states apart that would be one without it. */

/* An assertion that names the clause it stands for: SPIN prints its text. The names are false. */
hidden byte INV_1, INV_2, IMG_1, READ_2, COPY_3, MIN_2, CONC_4, CRASH;
#define REQUIRE(clause, condition) assert(clause || (condition))

/* IMG-1: the target's image; and for each read of the target what the image has been since it
 * decided where to look, block by block. */
byte image[BLOCKS];
byte since[IN_FLIGHT * BLOCKS];

inline image_becomes(b, content) {
    image[b] = content;
    for (j : 0 .. IN_FLIGHT - 1) {
        if
        :: since[j * BLOCKS + b] -> since[j * BLOCKS + b] = since[j * BLOCKS + b] | BIT(content)
        :: else
        fi
    }
}

inline forget_since(r) {
    for (j : 0 .. BLOCKS - 1) { since[r * BLOCKS + j] = 0 }
}

/* What may be after a power failure (CRASH-1 to CRASH-3): the contents each block of either volume
 * may show, and the standings, as sets. In one world no start or sync in flight has happened, in
 * the other one it has; without one that may be durable the second has no standing. */
byte past_source[BLOCKS], past_target[BLOCKS], past_standings;
byte next_source[BLOCKS], next_target[BLOCKS], next_standings;

/* A host's write may be found after a power failure, in either world. */
inline allow_on_source(b, content) {
    past_source[b] = past_source[b] | BIT(content);
    if
    :: next_standings -> next_source[b] = next_source[b] | BIT(content)
    :: else
    fi
}

inline allow_on_target(b, content) {
    past_target[b] = past_target[b] | BIT(content);
    if
    :: next_standings -> next_target[b] = next_target[b] | BIT(content)
    :: else
    fi
}

/* CRASH-3: once a start or sync may be durable, so must be the source as it is, for both volumes. */
inline open_next_world() {
    next_standings = BIT(TRACKING);
    for (i : 0 .. BLOCKS - 1) {
        next_source[i] = BIT(source_now[i]);
        next_target[i] = BIT(source_now[i])
    }
}

inline next_world_is_here() {
    past_standings = next_standings;
    next_standings = 0;
    for (i : 0 .. BLOCKS - 1) {
        past_source[i] = next_source[i]; next_source[i] = 0;
        past_target[i] = next_target[i]; next_target[i] = 0
    }
}

/* Each block that is read after a power failure is a set of contents of which any one may come up,
 * whatever comes up elsewhere. So an outcome that is right in neither world exists if one block may
 * hold what neither world has, or if two different blocks may be wrong, one in each world. */
hidden byte heading, kept, at, held, in_past, in_next, wrong_in_past, wrong_in_next, one_past,
    one_next;
hidden byte right;

inline read_after_crash(number, contents, past_world, next_world) {
    in_past = past_world;
    in_next = next_world;
    if
    :: !HAS(past_standings, STANDING_OF(heading)) -> in_past = 0
    :: else
    fi;
    if
    :: !HAS(next_standings, STANDING_OF(heading)) -> in_next = 0
    :: else
    fi;
    if
    :: contents & ~in_past -> wrong_in_past++; one_past = number
    :: else
    fi;
    if
    :: contents & ~in_next -> wrong_in_next++; one_next = number
    :: else
    fi;
    REQUIRE(CRASH, !(contents & ~(in_past | in_next)))
}

/* REC-1: what is read where the header says `heading` and these grains are copied. */
inline judge_outcome(grains) {
    wrong_in_past = 0;
    wrong_in_next = 0;
    for (at : 0 .. BLOCKS - 1) {
        if
        :: STANDING_OF(heading) == STOPPED || HAS(grains, GRAIN(at)) ->
            read_after_crash(2 * at, source_may[at], past_source[at], next_source[at])
        :: else -> /* one content is read of both volumes */
            read_after_crash(2 * at, source_may[at],
                past_source[at] & past_target[at], next_source[at] & next_target[at])
        fi;
        if
        :: STANDING_OF(heading) != STOPPED && HAS(grains, GRAIN(at)) ->
            read_after_crash(2 * at + 1, target_may[at], past_target[at], next_target[at])
        :: else
        fi
    }
    right = wrong_in_past == 0 || wrong_in_next == 0 ||
        (wrong_in_past == 1 && wrong_in_next == 1 && one_past == one_next);
    REQUIRE(CRASH, right)
}

/* INV-1, for this grain found copied and unmodified: both sides hold one and the same content. */
inline judge_clean_after_crash(g) {
    for (at : 0 .. BLOCKS - 1) {
        right = GRAIN(at) != g ||
            (source_may[at] == BIT(source_now[at]) && target_may[at] == BIT(source_now[at]));
        REQUIRE(INV_1, right)
    }
}

#define MAY_BE_COPIED(a, g) HAS(copied_on_disk[a] | copied_in_doubt[a], g)
#define MAY_BE_UNMODIFIED(a, g) HAS(~modified_on_disk[a] | modified_in_doubt[a], g)

inline judge_crash() {
    for (heading : 0 .. HEADERS - 1) {
        if
        :: !HAS(header_may, heading)
        :: HAS(header_may, heading) && STANDING_OF(heading) != TRACKING ->
            judge_outcome(ALL_GRAINS)
        :: HAS(header_may, heading) && STANDING_OF(heading) == TRACKING ->
            for (kept : 0 .. ALL_GRAINS) {
                if
                :: !((kept ^ copied_on_disk[AREA_OF(heading)]) &
                     ~copied_in_doubt[AREA_OF(heading)]) -> judge_outcome(kept)
                :: else
                fi
            }
            for (held : 0 .. GRAINS - 1) {
                if
                :: MAY_BE_COPIED(AREA_OF(heading), held) &&
                   MAY_BE_UNMODIFIED(AREA_OF(heading), held) -> judge_clean_after_crash(held)
                :: else
                fi
            }
        fi
    }
}

/* CONC-4: who is not answered can go on, or waits for somebody who can. */
inline judge_waiting() {
    right = true;
    for (at : 0 .. IN_FLIGHT - 1) {
        if
        :: !answered[at] && GRANTED(at) -> right = true; break
        :: !answered[at] && !GRANTED(at) -> right = false
        :: else
        fi
    }
    REQUIRE(CONC_4, right)
}

inline judge_images() {
    REQUIRE(INV_2, !(modified & ~copied));
    REQUIRE(COPY_3, !UNCOPIED(BITS_BELOW(cursor)));
    for (at : 0 .. BLOCKS - 1) {
        if
        :: HAS(copied, GRAIN(at)) -> right = image[at] == target_now[at]
        :: else -> right = image[at] == source_now[at]
        fi;
        REQUIRE(IMG_1, right || standing == STOPPED);
        right = HAS(modified, GRAIN(at)) || !HAS(copied, GRAIN(at)) ||
            source_now[at] == target_now[at];
        REQUIRE(INV_1, right || standing != TRACKING)
    }
}

/* It changes nothing: a step that leads from every state to itself. */
proctype Judge() {
    do
    :: d_step { judge_crash(); judge_images(); judge_waiting() }
    od
}
