/* An incremental flashcopy in memory that speaks docs/protocol.md: cc -O2 -o adapter adapter.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define INT(key) strtol(VALUE(key), NULL, 10)
#define IS(key, word) (!strncmp(VALUE(key), #word "\"", sizeof #word))
#define VALUE(key) value("\"" #key "\":")

static enum { IDLE, COPYING, STOPPED } state;  /* copied is copying with nothing left to copy */
static long size, block, grain, grains, writable, done, offset, length;
static unsigned char *source, *target, *seen;
static unsigned char *copied, *modified;       /* the maps: grain g is bit g % 8 of byte g / 8 */
static char *request, B64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *value(const char *key) {  /* requests are flat: what follows a key is its value */
    char *at = strstr(request, key);
    return at ? at + strlen(key) + strspn(at + strlen(key), " \"") : "";
}
static void encode(const char *key, const unsigned char *data, long count) {
    printf("\"%s\":\"", key);
    for (long bit = 0; bit < 8 * count; bit += 6) {
        int two = data[bit / 8] << 8 | (bit / 8 + 1 < count ? data[bit / 8 + 1] : 0);
        putchar(B64[two >> (10 - bit % 8) & 63]);
    }
    printf("%s\"", count % 3 == 0 ? "" : count % 3 == 1 ? "==" : "=");
}
static void decode(const char *text, unsigned char *data) {
    for (unsigned long bits = 0, held = 0; *text && strchr(B64, *text); text++) {
        bits = bits << 6 | (strchr(B64, *text) - B64), held += 6;
        if (held >= 8) *data++ = bits >> (held -= 8);
    }
}
static int has(const unsigned char *map, long g) { return map[g / 8] >> g % 8 & 1; }
static void copy(long g) {
    long at = g * grain, end = at + grain < size ? at + grain : size;  /* the last may be short */
    memcpy(target + at, source + at, end - at);
    copied[g / 8] |= 1 << g % 8, done++;
}
static const char *refusal(void) {  /* the kind of error, or NULL: nothing has changed so far */
    if (IS(method, create) && (block < 512 || block > 65536 || block & (block - 1) || grain < block
        || grain & (grain - 1) || size <= 0 || size % block)) return "invalid_argument";
    if (IS(method, sync) && state != COPYING) return "invalid_state";
    if (IS(method, background_copy) && INT(grains) < 0) return "invalid_argument";
    if (!*VALUE(volume)) return NULL;
    if (IS(volume, target) && !writable && *VALUE(method) == 'w') return "read_only";
    if ((!IS(volume, source) && !IS(volume, target)) || offset < 0 || length < 0
        || length > size - offset || offset % block || length % block) return "invalid_argument";
    return IS(volume, target) && state == STOPPED ? "invalid_state" : NULL;
}
static void carry_out(unsigned char *side) {  /* and print what the result has inside the braces */
    if (IS(method, hello)) {
        printf("\"protocol\":1,\"name\":\"example in C\",\"version\":\"1\",\"capabilities\":["
               "\"target_write\",\"background_copy\",\"bitmaps\",\"stop\",\"write_zeroes\"]");
    } else if (IS(method, create)) {
        grains = done = (size + grain - 1) / grain, writable = *VALUE(target_writable) == 't';
        source = calloc(size, 1), target = calloc(size, 1), seen = malloc(size);
        copied = memset(malloc(grains), 255, grains), modified = calloc(grains, 1);
    } else if (IS(method, start) || IS(method, sync)) {
        if (IS(method, start)) memset(modified, 255, grains);  /* a sync of all there is */
        for (long i = 0; i < grains; i++) copied[i] &= ~modified[i], modified[i] = 0;
        for (long g = done = 0; g < grains; g++) done += has(copied, g);
        state = COPYING;
    } else if (IS(method, stop) && state == COPYING) {
        state = done < grains ? STOPPED : IDLE, done = grains;
        memset(copied, 255, grains);
    } else if (IS(method, read)) {
        for (long at = offset; at < offset + length; at += block)  /* not copied: a fake read */
            memcpy(seen + at, (has(copied, at / grain) ? side : source) + at, block);
        encode("data", seen + offset, length);
    } else if (IS(method, write) || IS(method, write_zeroes)) {
        for (long at = offset; at < offset + length; at += block) {
            if (!has(copied, at / grain)) copy(at / grain);
            modified[at / grain / 8] |= 1 << at / grain % 8;  /* whichever side: the two differ */
        }
        memset(side + offset, 0, length), decode(VALUE(data), side + offset);
    } else if (IS(method, background_copy)) {
        long before = done, most = *VALUE(grains) == 'n' ? grains : INT(grains);
        for (long g = 0; g < grains && done - before < most; g++) if (!has(copied, g)) copy(g);
        printf("\"copied\":%ld", done - before);
    } else if (IS(method, status)) {
        const char *names[] = {"idle", done < grains ? "copying" : "copied", "stopped"};
        printf("\"state\":\"%s\",\"copied\":%ld,\"grains\":%ld", names[state], done, grains);
    } else if (IS(method, bitmaps)) {
        encode("copied", copied, (grains + 7) / 8), putchar(',');
        encode("modified", modified, (grains + 7) / 8);
    }
}
int main(void) {
    for (size_t room = 0; getline(&request, &room, stdin) > 0;) {
        if (IS(method, create)) size = INT(size), block = INT(block_size), grain = INT(grain_size);
        offset = INT(offset);
        length = IS(method, write) ? (long)strspn(VALUE(data), B64) * 3 / 4 : INT(length);
        const char *kind = refusal();
        printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"%s\":{", INT(id), kind ? "error" : "result");
        if (kind) printf("\"code\":-1,\"message\":\"\",\"data\":{\"kind\":\"%s\"}", kind);
        else carry_out(IS(volume, target) ? target : source);
        puts("}}"), fflush(stdout);  /* without the flush the kit waits for ever */
        if (IS(method, close)) return 0;
    }
}
