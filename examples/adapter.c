/* An incremental flashcopy in memory that speaks docs/protocol.md: cc -O2 -o adapter adapter.c */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned char byte;
static struct { long size, block, grain, grains, writable, state; } f;  /* what is saved, and: */
static byte *side[2], *copied, *modified;        /* source and target; a byte a grain each */
enum { IDLE, COPYING, STOPPED };                 /* copied is copying with nothing left */
static char *line, file[4096], out[8 << 20];
static const char *B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The protocol's objects are flat, so the text after a key is its value. */
static char *value(const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    char *at = strstr(line, quoted);
    if (at) at += strlen(quoted), at += strspn(at, " "), at += *at == '"';
    return at;
}
static long number(const char *key) { char *at = value(key); return at ? strtol(at, NULL, 10) : 0; }
static int is(const char *key, const char *word) {
    char *at = value(key); size_t length = strlen(word);
    return at && !strncmp(at, word, length) && strchr("\",} ", at[length]);
}
static char *encode(const byte *data, long length, char *to) {
    for (long i = 0; i < length; i += 3) {
        unsigned long bits = data[i] << 16 | (i + 1 < length ? data[i + 1] << 8 : 0)
                           | (i + 2 < length ? data[i + 2] : 0);
        for (int j = 0; j < 4; j++) *to++ = i + j > length ? '=' : B64[bits >> (18 - 6 * j) & 63];
    }
    return *to = 0, to;
}
static long decode(char *text, byte *to) {       /* in place of the text it reads, or elsewhere */
    long length = 0; unsigned long bits = 0;
    for (int n = 0; *text && *text != '"' && *text != '='; text++) {
        bits = bits << 6 | (unsigned long)(strchr(B64, *text) - B64);
        if (++n % 4 != 1) to[length++] = bits >> (6 - 2 * ((n - 1) % 4));
    }
    return length;
}
static void saved(const char *mode, size_t (*move)(void *, size_t, size_t, FILE *)) {
    char name[4200]; int writes = *mode == 'w';
    snprintf(name, sizeof name, "%s%s", file, writes ? ".new" : "");
    FILE *stream = fopen(name, mode);
    if (!stream || !move(&f, sizeof f, 1, stream)) exit(1);
    if (!writes) for (int i = 0; i < 4; i++) *(byte **[]){side, side + 1, &copied, &modified}[i] = calloc(f.size, 1);
    move(side[0], f.size, 1, stream), move(side[1], f.size, 1, stream);
    move(copied, f.grains, 1, stream), move(modified, f.grains, 1, stream);
    if (fclose(stream)) exit(1);
    if (writes) rename(name, file);              /* the old state or the new one, come what may */
}
static void save(void) { saved("w", (size_t (*)(void *, size_t, size_t, FILE *))fwrite); }
static void untie(int state) {                   /* every grain counts as copied and modified */
    f.state = state, memset(copied, 1, f.grains), memset(modified, 1, f.grains);
}
static int power(long n) { return n > 0 && !(n & (n - 1)); }
static const char *check(long offset, long length) {
    int target = is("volume", "target");
    if ((!target && !is("volume", "source")) || offset < 0 || length < 0 || length > f.size
        || offset > f.size - length || offset % f.block || length % f.block) return "invalid_argument";
    return target && f.state == STOPPED ? "invalid_state" : NULL;
}
static void copy(long g) {                       /* the data first, then the bit */
    long end = (g + 1) * f.grain < f.size ? (g + 1) * f.grain : f.size;
    memcpy(side[1] + g * f.grain, side[0] + g * f.grain, end - g * f.grain), copied[g] = 1;
}
static long left(void) { long n = f.grains; for (long g = 0; g < f.grains; g++) n -= copied[g]; return n; }
static char *pack(byte *map, char *to) {
    byte *bits = calloc(f.grains / 8 + 1, 1);
    for (long g = 0; g < f.grains; g++) bits[g / 8] |= map[g] << g % 8;
    to = encode(bits, (f.grains + 7) / 8, to);
    return free(bits), to;
}
/* Carries the request out; gives the kind of a refusal, or puts the result into out. */
static const char *answer(void) {
    long offset = number("offset"), length = number("length"), target = is("volume", "target");
    const char *wrong; static byte *data; strcpy(out, "{}");
    if (is("method", "hello")) strcpy(out, "{\"protocol\":1,\"name\":\"example in C\",\"version\":\"1\",\"capabilities\":"
        "[\"target_write\",\"background_copy\",\"bitmaps\",\"stop\",\"write_zeroes\",\"restart\"]}");
    else if (is("method", "create") || is("method", "open")) {
        snprintf(file, sizeof file, "%.*s/state", (int)strcspn(value("directory"), "\""), value("directory"));
        if (is("method", "open")) return saved("r", fread), NULL;
        f.size = number("size"), f.block = number("block_size"), f.grain = number("grain_size");
        if (!power(f.block) || f.block < 512 || f.block > 65536 || !power(f.grain) || f.grain < f.block
            || f.size <= 0 || f.size % f.block) return *file = 0, "invalid_argument";
        f.writable = is("target_writable", "true"), f.grains = (f.size + f.grain - 1) / f.grain;
        for (int i = 0; i < 4; i++) *(byte **[]){side, side + 1, &copied, &modified}[i] = calloc(f.size, 1);
        untie(IDLE), save();
    } else if (is("method", "start") || is("method", "sync")) {
        if (is("method", "start")) f.state = COPYING, memset(modified, 1, f.grains);
        if (f.state != COPYING) return "invalid_state";
        for (long g = 0; g < f.grains; g++) copied[g] = copied[g] && !modified[g], modified[g] = 0;
        save();
    } else if (is("method", "stop")) {
        if (f.state == COPYING) untie(left() ? STOPPED : IDLE);
        save();
    } else if (is("method", "read")) {
        if ((wrong = check(offset, length))) return wrong;
        data = realloc(data, length + 1);
        for (long at = offset; at < offset + length; at += f.block)  /* not copied: a fake read */
            memcpy(data + at - offset, side[target && copied[at / f.grain]] + at, f.block);
        strcpy(encode(data, length, out + sprintf(out, "{\"data\":\"")), "\"}");
    } else if (is("method", "write") || is("method", "write_zeroes")) {
        data = realloc(data, strlen(line) + 1);
        if (is("method", "write")) length = decode(value("data"), data);
        if (target && !f.writable) return "read_only";
        if ((wrong = check(offset, length))) return wrong;
        for (long at = offset; at < offset + length; at += f.block) {
            if (!copied[at / f.grain]) copy(at / f.grain);
            modified[at / f.grain] = 1;          /* a write to either side makes the two differ */
        }
        if (is("method", "write")) memcpy(side[target] + offset, data, length);
        else memset(side[target] + offset, 0, length);
    } else if (is("method", "flush")) {
        if ((wrong = check(0, 0))) return wrong;
        save();
    } else if (is("method", "background_copy")) {
        long most = is("grains", "null") ? f.grains : number("grains"), done = 0;
        if (most < 0) return "invalid_argument";
        for (long g = 0; g < f.grains && done < most; g++) if (!copied[g]) copy(g), done++;
        sprintf(out, "{\"copied\":%ld}", done);
    } else if (is("method", "status")) {
        const char *names[] = {"idle", left() ? "copying" : "copied", "stopped"};
        sprintf(out, "{\"state\":\"%s\",\"copied\":%ld,\"grains\":%ld}", names[f.state], f.grains - left(), f.grains);
    } else if (is("method", "bitmaps")) {
        char *at = pack(copied, out + sprintf(out, "{\"copied\":\""));
        strcpy(pack(modified, at + sprintf(at, "\",\"modified\":\"")), "\"}");
    } else if (*file) save();
    return NULL;
}
int main(void) {
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        const char *wrong = answer();
        printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,", number("id"));
        if (wrong) printf("\"error\":{\"code\":-1,\"message\":\"\",\"data\":{\"kind\":\"%s\"}}}\n", wrong);
        else printf("\"result\":%s}\n", out);
        fflush(stdout);
        if (is("method", "close")) break;
    }
}
