/* The requests, a process each. Every step is an `atomic` or a `d_step`: it takes place at one
 * instant, and between any two steps other requests may go on or the power may fail. A request
 * that must wait stays within the step in which it asked, and gets on, as a second step, when it
 * need wait no longer.
 *
 * `r` is the request's number. What a process no longer needs it sets to 0, and at its end it stays
 * where it is; so two states are one if nothing that is still to come tells them apart. */

/* CONC-3, CONC-4: reads and the background copy share their grains, the others have them alone. */
#define SHARED false
#define ALONE true

/* From block b on, the next one of these grains; BLOCKS if there is none. */
inline to_block_of(grains, b) {
    do
    :: b < BLOCKS && !HAS(grains, GRAIN(b)) -> b++
    :: else -> break
    od;
    skip
}

/* COPY-1: of the grains `todo` all blocks are read, then all are written. At the end it is 0. */
inline copy_grains(todo, c) {
    do
    :: atomic {
        d_step { data[c] = source_now[c]; c++; to_block_of(todo, c) }
        if
        :: c == BLOCKS -> d_step { c = 0; to_block_of(todo, c) } break
        :: else
        fi
    }
    od;
    do
    :: atomic {
        d_step {
            REQUIRE(MIN_2, UNCOPIED(BIT(GRAIN(c))));
            write_target_block(c, data[c]);
            data[c] = 0;
            c++;
            to_block_of(todo, c)
        }
        if
        :: c == BLOCKS -> d_step { c = 0; todo = 0 } break
        :: else
        fi
    }
    od
}

/* ORDER-1, of the grains gs, which need it. At the end it is 0. */
inline diverge(volume, gs, todo, c) {
    if
    :: d_step { !UNCOPIED(gs) -> skip }
    :: d_step { UNCOPIED(gs) -> todo = UNCOPIED(gs); to_block_of(todo, c) }
        copy_grains(todo, c);
#if FAULT != NO_COPY_FLUSH
        atomic { d_step { flush_target() } }
#endif
    fi;
    atomic { d_step {
#if FAULT == ONLY_FIRST_COPY_MARKS
        modified = modified | UNCOPIED(gs);
#elif FAULT == TARGET_WRITES_UNMARKED
        modified = modified | (volume == SOURCE -> gs : 0);
#else
        modified = modified | gs;
#endif
        copied = copied | gs
    } }
    d_step { write_maps(area, copied, modified) }
#if FAULT != NO_MAP_FLUSH
    d_step { flush_map() }
#endif
    d_step { settled = settled | gs; gs = 0 }
}

proctype ReadSource(byte r, first, last) {
    byte b = first;

    atomic {
        MAY_BEGIN(r) -> d_step { ask_grains(r, GRAINS_OF(first, last), SHARED) }
        GRANTED(r)
    }
    do
    :: atomic { /* READ-1: what it reads is the source's image, whatever that is */
        b++;
        if
        :: b > last -> d_step { b = 0; answer(r) } break
        :: else
        fi
    }
    od;
end: false
}

proctype ReadTarget(byte r, first, last) {
    byte b = first;
    byte fake;

#if FAULT != READ_WITHOUT_LOCK
    atomic {
        MAY_BEGIN(r) -> d_step { ask_grains(r, GRAINS_OF(first, last), SHARED) }
        GRANTED(r);
        if
        :: standing == STOPPED -> d_step { b = 0; answer(r) } goto end /* LIFE-3 */
        :: else
        fi
    }
#endif
    d_step { /* READ-2: a fake read of the uncopied grains, and it stays one (CONC-3) */
        fake = UNCOPIED(GRAINS_OF(first, last));
        for (i : first .. last) { since[r * BLOCKS + i] = BIT(image[i]) }
    }
    do
    :: atomic {
        d_step {
            if
            :: HAS(fake, GRAIN(b)) -> right = HAS(since[r * BLOCKS + b], source_now[b])
            :: else -> right = HAS(since[r * BLOCKS + b], target_now[b])
            fi;
            REQUIRE(READ_2, right);
            b++
        }
        if
        :: b > last -> d_step { b = 0; fake = 0; forget_since(r); answer(r) } break
        :: else
        fi
    }
    od;
end: false
}

/* What a host writes: a content that nobody else writes. */
#define CONTENT(r) (4 + (r))

proctype Write(byte r, volume, first, last) {
    byte b = first;
    byte gs, todo, c, data[BLOCKS];

    atomic {
        MAY_BEGIN(r) -> d_step { ask_grains(r, GRAINS_OF(first, last), ALONE) }
        GRANTED(r);
        if
        :: volume == TARGET && standing == STOPPED -> d_step { b = 0; answer(r) } goto end
        :: else /* LIFE-3 */
        fi
    }
    if
    :: d_step { !UNSETTLED(GRAINS_OF(first, last)) -> skip }
    :: d_step { UNSETTLED(GRAINS_OF(first, last)) -> gs = UNSETTLED(GRAINS_OF(first, last)) }
        diverge(volume, gs, todo, c)
    fi;
    do
    :: atomic { /* WRITE-2, WRITE-3, CONC-1 */
        d_step {
            if
            :: volume == SOURCE ->
                write_source_block(b, CONTENT(r));
                allow_on_source(b, CONTENT(r))
            :: else ->
                write_target_block(b, CONTENT(r));
                allow_on_target(b, CONTENT(r));
                image_becomes(b, CONTENT(r))
            fi;
            b++
        }
        if
        :: b > last -> d_step { b = 0; answer(r) } break
        :: else
        fi
    }
    od;
end: false
}

/* FLUSH-1, CRASH-1: what was answered before may not be missing later. */
proctype FlushSource(byte r) {
    d_step {
        MAY_BEGIN(r) -> begun[r] = 1;
        flush_source();
        for (i : 0 .. BLOCKS - 1) { past_source[i] = BIT(source_now[i]) }
        answer(r)
    }
end: false
}

/* Where a grain is uncopied no host has written to the target. */
proctype FlushTarget(byte r) {
    atomic {
        MAY_BEGIN(r) -> begun[r] = 1;
        if
        :: standing == STOPPED -> d_step { answer(r) } goto end /* LIFE-3 */
        :: else
        fi
    }
    atomic { d_step {
#if FAULT != FLUSH_ANSWERED_EARLY
        flush_target();
#endif
        for (i : 0 .. BLOCKS - 1) {
            if
            :: HAS(copied, GRAIN(i)) -> past_target[i] = BIT(target_now[i])
            :: else
            fi
        }
        answer(r)
    } }
end: false
}
