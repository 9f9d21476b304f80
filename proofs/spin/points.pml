/* The requests that have the copier: background copy, start, sync and stop. */

#if FAULT == COPY_WITHOUT_GRAINS
#define GRAINS_TO_COPY(gs) 0
#else
#define GRAINS_TO_COPY(gs) (gs)
#endif

/* COPY-2, COPY-3: the first uncopied grain from the cursor on, which moves over copied ones only. */
inline to_next_uncopied(gs) {
    i = (standing == TRACKING -> cursor : GRAINS);
    do
    :: i < GRAINS && HAS(copied, i) -> i++
    :: else -> break
    od;
    if
    :: i < GRAINS -> gs = BIT(i)
    :: else
    fi;
    if
    :: standing == TRACKING -> cursor = i
    :: else
    fi
}

/* One step of the background copy, a grain. */
proctype Copy(byte r) {
    byte gs, todo, c, data[BLOCKS];

    atomic {
        MAY_BEGIN(r) -> d_step { ask_copier(r) }
        GRANTED(r)
    }
    atomic {
        d_step { to_next_uncopied(gs) }
        if
        :: !gs -> d_step { answer(r) } goto end
        :: else
        fi
    }
    atomic {
        d_step { ask_grains(r, GRAINS_TO_COPY(gs), SHARED) }
        GRANTED(r)
    }
    atomic {
        d_step { todo = UNCOPIED(gs); to_block_of(todo, c) }
        if
        :: !todo -> d_step { gs = 0; c = 0; answer(r) } goto end /* a write copied it */
        :: else
        fi
    }
    copy_grains(todo, c);
#if FAULT != COPIED_BEFORE_FLUSH
    atomic { d_step { flush_target() } } /* ORDER-2 */
#endif
    atomic { d_step { copied = copied | gs } }
    d_step { write_maps(area, copied, modified); gs = 0; answer(r) }
end: false
}

/* ORDER-4: the new maps go to the other area. */
#if FAULT == MERGE_IN_PLACE
#define ELSEWHERE area
#else
#define ELSEWHERE (1 - area)
#endif

/* START-1, SYNC-2: the grains that stay copied. */
#if FAULT == MERGE_IS_OR
#define MERGED(is_start) (is_start -> 0 : copied | modified)
#else
#define MERGED(is_start) (is_start -> 0 : copied & ~modified)
#endif

/* Start or sync. */
proctype Move(byte r; bit is_start) {
#if FAULT == GRAINS_BEFORE_COPIER
    atomic {
        MAY_BEGIN(r) -> d_step { ask_grains(r, ALL_GRAINS, ALONE) }
        GRANTED(r)
    }
#endif
    atomic {
        MAY_BEGIN(r) -> d_step { ask_copier(r) }
        GRANTED(r);
        if
        :: !is_start && standing != TRACKING -> d_step { answer(r) } goto end /* SYNC-1 */
        :: is_start && standing == STOPPED
        :: else -> goto prepare
        fi
    }
    skip; /* ERR-5: is it recorded that it stopped? It is, where no device fails */
prepare:
    atomic { d_step { flush_source() } }
    d_step { write_maps(ELSEWHERE, MERGED(is_start), 0) }
    d_step { flush_map() }
#if FAULT != GRAINS_BEFORE_COPIER && FAULT != POINT_WITHOUT_GRAINS
    atomic {
        d_step { ask_grains(r, ALL_GRAINS, ALONE) }
        GRANTED(r)
    }
#endif
    d_step { write_maps(ELSEWHERE, MERGED(is_start), 0) }
#if FAULT != HEADER_BEFORE_FLUSH
    d_step {
#if FAULT != NO_SOURCE_FLUSH
        flush_source();
#endif
        flush_map()
    }
#endif
    d_step { write_header(HEADER(TRACKING, ELSEWHERE)); open_next_world() }
    d_step { flush_map() }
    d_step { /* CONC-2: its instant, and the answer */
        copied = MERGED(is_start);
        modified = 0;
#if FAULT != SETTLED_SURVIVES
        settled = 0;
#endif
#if FAULT != CURSOR_STAYS
        cursor = 0;
#endif
        standing = TRACKING;
        area = AREA_OF(header_now);
        for (i : 0 .. BLOCKS - 1) { image_becomes(i, source_now[i]) }
        next_world_is_here();
        answer(r)
    }
end: false
}

/* STOP-1. */
#define IS_COMPLETE (standing == IDLE || (standing == TRACKING && copied == ALL_GRAINS))

proctype Stop(byte r) {
    atomic {
        MAY_BEGIN(r) -> d_step { ask_copier(r) }
        GRANTED(r)
    }
    atomic {
        d_step { ask_grains(r, ALL_GRAINS, ALONE) }
        GRANTED(r)
    }
    d_step {
        write_header(HEADER((IS_COMPLETE -> IDLE : STOPPED), area));
        past_standings = past_standings | BIT(STANDING_OF(header_now))
    }
    d_step { flush_map() }
    d_step {
        if
        :: STANDING_OF(header_now) == IDLE -> untie(IDLE)
        :: else -> standing = STOPPED; settled = ALL_GRAINS; cursor = 0
        fi;
        past_standings = BIT(standing);
        answer(r)
    }
end: false
}
