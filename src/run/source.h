/* source.h: a description's text, memory for what is made of it, and messages that show a line. */
#ifndef HONE_RUN_SOURCE_H
#define HONE_RUN_SOURCE_H

#include <hone/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory that is freed at once */

typedef struct hone__chunk hone__chunk;
typedef struct {
    hone__chunk *last;
} hone__arena;

/** Zeroed, aligned for anything; NULL + E_NOMEM. */
void *hone__arena_take(hone__arena *arena, size_t bytes);
/** n characters and a 0. */
char *hone__arena_text(hone__arena *arena, const char *text, size_t n);
char *hone__arena_print(hone__arena *arena, const char *format, ...) HONE_PRINTF(2, 3);
void hone__arena_free(hone__arena *arena);

/* ---- text and places in it */

typedef struct {
    const char *where; /* "net.hone" */
    const char *text;
} hone__source;

typedef struct {
    const hone__source *source;
    const char *at;
    int line;
} hone__place;

/** "net.hone:3:7: MESSAGE", the line and a mark below the column, as E_VALUE. False. */
bool hone__complain(hone__place place, const char *format, ...) HONE_PRINTF(2, 3);
/** What a call at this place has reported since `count` (hone__error_count()), said in the same
 * way. False. */
bool hone__blame(hone__place place, uint64_t count);
/** Puts before what a running network has reported since `count` where that was: "NAME (WHERE:LINE):
 * "; without a name "WHERE:LINE: "; the name alone before a message that has a line already. */
void hone__prefix_error(uint64_t count, const char *where, int line, const char *name);

#endif
