/* What is assumed of disks (DISK-1 to DISK-4). Of each block of source and target there is what
 * it holds now, and the set of contents that a power failure may leave: of the writes that no
 * flush covers each survives or not by itself, so any of them may be it, or none of them. The map
 * file's header is a block likewise; of its maps, which are bits, it is said which are in doubt. */

/* Sets of grains and of contents are masks of bits. */
#define BIT(x) (1 << (x))
#define BITS_BELOW(x) (BIT(x) - 1)

#define BLOCKS (GRAINS * GRAIN_BLOCKS - SHORT)
#define GRAIN(b) ((b) / GRAIN_BLOCKS)
#define ALL_GRAINS BITS_BELOW(GRAINS)
#define GRAINS_OF(first, last) (BITS_BELOW(GRAIN(last) + 1) & ~BITS_BELOW(GRAIN(first)))
#define HAS(grains, g) (((grains) >> (g)) & 1)

#define SOURCE 0
#define TARGET 1

byte source_now[BLOCKS], source_may[BLOCKS];
byte target_now[BLOCKS], target_may[BLOCKS];

/* What the header says: the standing of the relationship, and the area that holds the maps. */
#define IDLE 0
#define TRACKING 1
#define STOPPED 2
#define HEADER(standing, area) (2 * (standing) + (area))
#define STANDING_OF(header) ((header) / 2)
#define AREA_OF(header) ((header) % 2)
#define HEADERS 6

byte header_now, header_may;

/* The two areas, each with a copied and a modified map. */
byte copied_on_disk[2], copied_in_doubt[2];
byte modified_on_disk[2], modified_in_doubt[2];

/* For loops within one step; no part of a state. */
hidden byte i, j;

/* DISK-1, DISK-2: readers see it at once; after a power failure it is there whole or not at all. */
inline write_source_block(b, content) {
    source_now[b] = content;
    source_may[b] = source_may[b] | BIT(content)
}

inline write_target_block(b, content) {
    target_now[b] = content;
    target_may[b] = target_may[b] | BIT(content)
}

inline write_maps(a, new_copied, new_modified) {
    copied_in_doubt[a] = copied_in_doubt[a] | (copied_on_disk[a] ^ (new_copied));
    modified_in_doubt[a] = modified_in_doubt[a] | (modified_on_disk[a] ^ (new_modified));
    copied_on_disk[a] = new_copied;
    modified_on_disk[a] = new_modified
}

inline write_header(header) {
    header_now = header;
    header_may = header_may | BIT(header)
}

/* DISK-3. No inline ends with a loop: SPIN refuses a `d_step` that does. */
inline flush_source() {
    for (i : 0 .. BLOCKS - 1) { source_may[i] = BIT(source_now[i]) }
    skip
}

inline flush_target() {
    for (i : 0 .. BLOCKS - 1) { target_may[i] = BIT(target_now[i]) }
    skip
}

inline flush_map() {
    header_may = BIT(header_now);
    copied_in_doubt[0] = 0; copied_in_doubt[1] = 0;
    modified_in_doubt[0] = 0; modified_in_doubt[1] = 0
}
