/* The interleaved protocol of docs/spec.md once more, for SPIN: from every state that a
 * relationship can be at rest in, a few requests step in any order, and in every state all that a
 * power failure could leave just then is judged.
 *
 *     spin -o2 -a flashcopy.pml && gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -m100000
 *
 * The scope is chosen with -DGRAINS=2 and so on, a mistake with -DFAULT=NAME (faults.pml). */

#ifndef GRAINS
#define GRAINS 1
#endif
#ifndef GRAIN_BLOCKS
#define GRAIN_BLOCKS 1
#endif
#ifndef SHORT /* blocks that the last grain lacks (GEO-1) */
#define SHORT 0
#endif
#ifndef IN_FLIGHT
#define IN_FLIGHT 2
#endif

#include "faults.pml"
#include "disk.pml"
#include "relationship.pml"
#include "judge.pml"
#include "requests.pml"
#include "points.pml"

/* The menu of requests: hosts' reads and writes, each of every run of blocks that hosts ask for
 * (each grain whole, the first block of each that has more, and the two blocks on either side of
 * each boundary between grains that do), then the others. */
#if GRAIN_BLOCKS == 1
#define RUNS GRAINS
#elif GRAIN_BLOCKS - SHORT == 1
#define FIRSTS (GRAINS - 1)
#else
#define FIRSTS GRAINS
#endif
#ifndef RUNS
#define RUNS (GRAINS + FIRSTS + GRAINS - 1)
#endif
#define HOSTS (4 * RUNS)
#define COPY HOSTS
#define SYNC (HOSTS + 1)
#define START (HOSTS + 2)
#define STOP (HOSTS + 3)
#ifdef FLUSHES
#define NOBODY (HOSTS + 6)
#else
#define NOBODY (HOSTS + 4)
#endif

hidden byte first, last;

inline to_run(k) {
    if
    :: k < GRAINS ->
        first = k * GRAIN_BLOCKS;
        last = (k == GRAINS - 1 -> BLOCKS : first + GRAIN_BLOCKS) - 1
#ifdef FIRSTS
    :: k >= GRAINS && k < GRAINS + FIRSTS ->
        first = (k - GRAINS) * GRAIN_BLOCKS;
        last = first
    :: k >= GRAINS + FIRSTS ->
        last = (k - GRAINS - FIRSTS + 1) * GRAIN_BLOCKS;
        first = last - 1
#endif
    fi
}

inline launch(r) {
    to_run(asked[r] % RUNS);
    if
    :: asked[r] < RUNS -> run ReadSource(r, first, last)
    :: asked[r] >= RUNS && asked[r] < 2 * RUNS -> run ReadTarget(r, first, last)
    :: asked[r] >= 2 * RUNS && asked[r] < 3 * RUNS -> run Write(r, SOURCE, first, last)
    :: asked[r] >= 3 * RUNS && asked[r] < HOSTS -> run Write(r, TARGET, first, last)
    :: asked[r] == COPY -> run Copy(r)
    :: asked[r] == SYNC -> run Move(r, false)
    :: asked[r] == START -> run Move(r, true)
    :: asked[r] == STOP -> run Stop(r)
    :: asked[r] == HOSTS + 4 && asked[r] != NOBODY -> run FlushSource(r)
    :: asked[r] == HOSTS + 5 && asked[r] != NOBODY -> run FlushTarget(r)
    :: asked[r] == NOBODY -> answered[r] = 1
    fi
}

/* Every request by itself, every two, and so on, one and the same more than once included. */
inline ask_for_some(r, wanted) {
    for (r : 0 .. IN_FLIGHT - 1) {
        do
        :: wanted < (r -> NOBODY : NOBODY - 1) -> wanted++
        :: asked[r] = wanted; break
        od
    }
}

/* Every state that a relationship can be at rest in, a modified bit among them that lost its copied
 * bit (REC-1). Contents are as different as they may be: 0 the source's, 1 the target's; where
 * nothing ties the sides also with an older content, 2 or 3, that a power failure may bring back.
 * The area not in use holds the worst: all copied, none modified. */
byte origin_standing, origin_copied, origin_modified;
bit origin_used;

inline any_of(grains, all) {
    do
    :: grains < all -> grains++
    :: break
    od
}

inline at_rest() {
    if
    :: origin_standing = IDLE; origin_copied = ALL_GRAINS; origin_modified = ALL_GRAINS
    :: origin_standing = STOPPED; origin_copied = ALL_GRAINS; origin_modified = ALL_GRAINS
    :: origin_standing = TRACKING;
        any_of(origin_copied, ALL_GRAINS);
        any_of(origin_modified, ALL_GRAINS)
    fi;
    if
    :: origin_used = 0
    :: origin_copied & origin_modified -> origin_used = 1
    fi
}

#define DIRTY(g) (origin_used && HAS(origin_copied & origin_modified, g))
#define CLEAN(g) HAS(origin_copied & ~origin_modified, g)

inline open() {
    copied_on_disk[0] = origin_copied;
    modified_on_disk[0] = origin_modified;
    copied_on_disk[1] = ALL_GRAINS;
    header_now = HEADER(origin_standing, 0);
    header_may = BIT(header_now);
    past_standings = BIT(origin_standing);
    if
    :: origin_standing == TRACKING -> /* REC-1 */
        standing = TRACKING;
        copied = origin_copied;
        modified = origin_copied & origin_modified;
        settled = modified
    :: else -> untie(origin_standing)
    fi;
    for (i : 0 .. BLOCKS - 1) {
        source_may[i] = (DIRTY(GRAIN(i)) -> BIT(0) | BIT(2) : BIT(0));
        target_now[i] = (CLEAN(GRAIN(i)) -> 0 : 1);
        target_may[i] = BIT(target_now[i]);
        if
        :: DIRTY(GRAIN(i)) && standing != STOPPED -> target_may[i] = target_may[i] | BIT(3)
        :: else
        fi;
        past_source[i] = source_may[i];
        if
        :: HAS(copied, GRAIN(i)) -> image[i] = target_now[i]; past_target[i] = target_may[i]
        :: else -> image[i] = 0; past_target[i] = source_may[i]
        fi
    }
    skip
}

init {
    byte r, wanted;

    atomic {
        ask_for_some(r, wanted);
        at_rest();
        d_step { open() }
        for (r : 0 .. IN_FLIGHT - 1) { launch(r) }
        run Judge();
        r = 0;
        wanted = 0
    }
}
