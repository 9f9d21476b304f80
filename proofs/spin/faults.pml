/* One mistake at a time, chosen with -DFAULT=NAME: SPIN must notice it. What each one is can be
 * seen where its name is used; what it breaks is in the manifest. */

#define NO_FAULT 0
#define NO_COPY_FLUSH 1
#define NO_MAP_FLUSH 2
#define COPIED_BEFORE_FLUSH 3
#define VOLATILE_BIT_DECIDES 4
#define ONLY_FIRST_COPY_MARKS 5
#define TARGET_WRITES_UNMARKED 6
#define READ_WITHOUT_LOCK 7
#define COPY_WITHOUT_GRAINS 8
#define POINT_WITHOUT_GRAINS 9
#define GRAINS_BEFORE_COPIER 10
#define NO_SOURCE_FLUSH 11
#define HEADER_BEFORE_FLUSH 12
#define MERGE_IN_PLACE 13
#define MERGE_IS_OR 14
#define SETTLED_SURVIVES 15
#define CURSOR_STAYS 16
#define FLUSH_ANSWERED_EARLY 17

#ifndef FAULT
#define FAULT NO_FAULT
#endif
