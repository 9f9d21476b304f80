/* What a power failure forgets: memory, and who holds or waits for what. */

byte standing, area, copied, modified, settled, cursor;

#define UNCOPIED(grains) ((grains) & ~copied)

/* ORDER-3: what a write must prepare is decided by what is durably diverged. */
#if FAULT == VOLATILE_BIT_DECIDES
#define UNSETTLED(grains) ((grains) & ~modified)
#else
#define UNSETTLED(grains) ((grains) & ~settled)
#endif

/* LIFE-2: in idle and stopped every grain counts as copied and modified. */
inline untie(now_standing) {
    standing = now_standing;
    copied = ALL_GRAINS; modified = ALL_GRAINS; settled = ALL_GRAINS;
    cursor = 0
}

/* For each request: which grains it has or waits for, whether alone, and whether the copier. */
byte grains_of[IN_FLIGHT];
bit alone[IN_FLIGHT], copier[IN_FLIGHT];
/* Behind whom it waits; whether it has done anything; whether it is answered. */
byte behind[IN_FLIGHT];
bit begun[IN_FLIGHT], answered[IN_FLIGHT];
/* Which request of the menu it is (see flashcopy.pml). */
byte asked[IN_FLIGHT];

/* Of two equal requests the first begins first: the other order is the same, the two exchanged. */
#define MAY_BEGIN(r) \
    (begun[r] || r == 0 || asked[r] != asked[r - 1] || begun[r - 1])

/* CONC-4: in order of arrival. Who asks is behind all who hold or wait for what excludes it. */
inline ask_grains(r, grains, exclusive) {
    begun[r] = 1;
    grains_of[r] = grains;
    alone[r] = exclusive;
    for (i : 0 .. IN_FLIGHT - 1) {
        if
        :: i != r && (grains_of[i] & (grains)) && (alone[i] || exclusive) ->
            behind[r] = behind[r] | BIT(i)
        :: else
        fi
    }
}

inline ask_copier(r) {
    begun[r] = 1;
    copier[r] = 1;
    for (i : 0 .. IN_FLIGHT - 1) {
        if
        :: i != r && copier[i] -> behind[r] = behind[r] | BIT(i)
        :: else
        fi
    }
}

#define GRANTED(r) (behind[r] == 0)

/* It is answered, with its last step, and its locks end. */
inline answer(r) {
    for (i : 0 .. IN_FLIGHT - 1) { behind[i] = behind[i] & ~BIT(r) }
    grains_of[r] = 0;
    alone[r] = 0;
    copier[r] = 0;
    answered[r] = 1
}
