/* source.c: memory, places and messages of descriptions. */
#include "run/source.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <stdarg.h>
#include <string.h>

/* ---- memory */

struct hone__chunk {
    hone__chunk *before;
    size_t used, room;
    _Alignas(16) char data[];
};

enum { CHUNK_BYTES = 8000 };

void *hone__arena_take(hone__arena *arena, size_t bytes)
{
    hone__chunk *c = arena->last;
    bytes = (bytes + 15) & ~(size_t)15;
    if (!c || c->room - c->used < bytes) {
        const size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        c = hone__calloc(sizeof *c + room);
        if (!c)
            return NULL;
        *c = (hone__chunk){ .before = arena->last, .room = room };
        arena->last = c;
    }
    void *taken = c->data + c->used;
    c->used += bytes;
    return taken;
}

char *hone__arena_text(hone__arena *arena, const char *text, size_t n)
{
    char *copy = hone__arena_take(arena, n + 1);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

char *hone__arena_print(hone__arena *arena, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    hone__vformat(text, sizeof text, format, args);
    va_end(args);
    return hone__arena_text(arena, text, strlen(text));
}

void hone__arena_free(hone__arena *arena)
{
    while (arena->last) {
        hone__chunk *before = arena->last->before;
        hone__free(arena->last);
        arena->last = before;
    }
}

/* ---- places */

static const char *line_begin(hone__place place)
{
    const char *at = place.at;
    while (at > place.source->text && at[-1] != '\n')
        at--;
    return at;
}

/* Of UTF-8: bytes that begin a character. */
static int characters(const char *from, const char *to)
{
    int n = 0;
    for (; from < to; from++)
        n += (*from & 0xC0) != 0x80;
    return n;
}

enum { SHOWN = 72 }; /* characters of a line */

/* The line in which the place is, or the part of it around the place, and a mark below. */
static void show_line(hone__place place, char *text, size_t size)
{
    const char *first = line_begin(place), *begin = place.at, *end = place.at;
    int n_before = 0, n_shown;
    while (first < place.at && *first == ' ')
        first++;
    for (; begin > first && n_before < SHOWN - 8; n_before += (*begin & 0xC0) != 0x80)
        begin--;
    for (n_shown = n_before; *end && !strchr("\r\n", *end) && n_shown < SHOWN; end++)
        n_shown += (end[1] & 0xC0) != 0x80;
    char line[4 * SHOWN + 1];
    size_t n = 0;
    for (const char *at = begin; at < end && n + 1 < sizeof line; at++)
        line[n++] = *at == '\t' ? ' ' : (unsigned char)*at < ' ' || *at == 127 ? '?' : *at;
    line[n] = 0;
    hone__format(text, size, "\n    %s\n    %*s^", line, n_before, "");
}

static bool say(hone_status status, hone__place place, const char *message)
{
    char shown[400];
    show_line(place, shown, sizeof shown);
    hone_error_set(status, "%.60s:%d:%d: %.260s%s", place.source->where, place.line,
                   characters(line_begin(place), place.at) + 1, message, shown);
    return false;
}

bool hone__complain(hone__place place, const char *format, ...)
{
    char message[300];
    va_list args;
    va_start(args, format);
    hone__vformat(message, sizeof message, format, args);
    va_end(args);
    return say(HONE_E_VALUE, place, message);
}

/* The error that has come since the count; false: there is none, or an older one is kept. */
static bool take_error(uint64_t count, hone_status *status, char *message, size_t size)
{
    if (!hone__error_since(count))
        return false;
    *status = hone_error_code();
    hone__format(message, size, "%s", hone_error_message());
    hone_error_clear();
    return true;
}

bool hone__blame(hone__place place, uint64_t count)
{
    char message[512];
    hone_status status;
    char file[64];
    hone__format(file, sizeof file, "%.60s:", place.source->where);
    if (strncmp(hone_error_message(), file, strlen(file)) != 0 && /* else it has a place */
        take_error(count, &status, message, sizeof message))
        say(status, place, message);
    return false;
}

void hone__prefix_error(uint64_t count, const char *where, int line, const char *name)
{
    char message[512], here[100], file[64];
    hone_status status;
    if (!take_error(count, &status, message, sizeof message))
        return;
    hone__format(here, sizeof here, "%.60s:%d", where, line);
    hone__format(file, sizeof file, "%.60s:", where);
    if (!name)
        hone_error_set(status, "%s: %s", here, message);
    else if (strstr(message, file)) /* a line within the layer is named already */
        hone_error_set(status, "%.60s: %s", name, message);
    else
        hone_error_set(status, "%.60s (%s): %s", name, here, message);
}
