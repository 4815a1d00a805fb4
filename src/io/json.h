/* json.h: as much of JSON as a safetensors header has: objects, strings, arrays of whole numbers;
 * any other value can be passed over.
 *
 * Strict and without recursion: the caller knows what comes next and asks for it. The first thing
 * that doesn't fit is kept as `problem`, and everything asked for after that fails too. */
#ifndef HONE_IO_JSON_H
#define HONE_IO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *at, *end;
    const char *problem; /* NULL: none */
    bool beyond;         /* the problem is hone's: the text is valid */
} hone__json;

/** The next character is c: takes it. With `hone__json_is` it stays, and being another is no
 * problem. */
bool hone__json_take(hone__json *j, char c);
bool hone__json_is(hone__json *j, char c);

/** A string, decoded where it stands (it never grows) and ended by a 0; NULL on a problem. Must be
 * valid UTF-8 without U+0000. */
char *hone__json_string(hone__json *j);

/** Passes over a value of any kind, nested up to 128 deep. */
void hone__json_skip(hone__json *j);

/** A whole number, 0 or more; -1 on a problem. */
int64_t hone__json_number(hone__json *j);

/** In an object or array that ends with `close`: true if another member follows (and takes the
 * comma before it), false at the end (taken) or on a problem. *first is true at the beginning. */
bool hone__json_more(hone__json *j, char close, bool *first);

/** Nothing but white space is left. */
bool hone__json_ends(hone__json *j);

/** Length of the UTF-8 character at `text` (which has `left` bytes), 0 if it isn't valid. */
int hone__utf8_length(const char *text, size_t left);

#endif
