/* csv_rows.c: fields, and where rows begin. */
#include "data/csv.h"

#include "core/core.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

/* ---- fields */

/* The end of what is not in quotes: a separator or a line's end. */
static const char *unquoted_end(const char *at, const char *end, char separator)
{
    while (at < end && *at != separator && *at != '\n')
        at++;
    return at;
}

/* Fills in what follows the field's text, which `stop` ends. */
static void end_field(hone__csv_field *f, const char *stop, const char *end)
{
    const bool line_ends = stop == end || *stop == '\n';
    f->next = stop == end ? end : stop + 1;
    f->last = line_ends;
}

hone__csv_field hone__csv_next(const char *at, const char *end, char separator)
{
    hone__csv_field f = { .at = at };
    if (at == end || *at != '"') {
        const char *stop = unquoted_end(at, end, separator);
        f.end = stop;
        end_field(&f, stop, end);
        if (f.last && f.end > f.at && f.end[-1] == '\r')
            f.end--;
        return f;
    }
    f.quoted = true;
    f.at = ++at;
    for (;;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (!quote) {
            f.end = f.next = end;
            f.open = f.last = true;
            return f;
        }
        if (quote + 1 < end && quote[1] == '"') {
            f.composed = true;
            at = quote + 2;
            continue;
        }
        const char *stop = unquoted_end(quote + 1, end, separator);
        end_field(&f, stop, end);
        const char *text_end = f.last && stop > quote + 1 && stop[-1] == '\r' ? stop - 1 : stop;
        f.composed = f.composed || text_end > quote + 1;
        f.end = text_end > quote + 1 ? text_end : quote;
        return f;
    }
}

int64_t hone__csv_plain(const hone__csv_field *f, char *to)
{
    int64_t n = 0;
    bool inside = f->quoted;
    for (const char *at = f->at; at < f->end; at++) {
        if (inside && *at == '"') {
            inside = at + 1 < f->end && at[1] == '"';
            if (!inside)
                continue;
            at++;
        }
        to[n++] = *at;
    }
    return n;
}

/* ---- rows: in files without a quote every newline ends one, so pieces of the file are looked at by
 * several threads; else the fields are walked over in order. */

/* ROOM: as many rows of a piece are noted when they are counted; of one with more they are looked for again. */
enum { PIECE = 1 << 18, ROOM = 1 << 12 };

typedef struct {
    const char *file;
    int64_t begin, bytes;
    int64_t *count;  /* of the piece's rows */
    int64_t *place;  /* of its first one in the list */
    uint32_t *noted; /* [pieces][ROOM]: where they begin, from the piece's beginning */
    bool *quotes;
    int64_t *start;
    bool skip_blank;
} lines;

static int64_t piece_end(const lines *l, int64_t piece)
{
    const int64_t end = l->begin + (piece + 1) * PIECE;
    return end < l->bytes ? end : l->bytes;
}

/* Whether the line that begins at `place` is one: it isn't when nothing is there, or only its end. */
static bool is_row(const lines *l, int64_t place)
{
    const char *at = l->file + place;
    const int64_t left = l->bytes - place;
    if (left <= 0)
        return false;
    return !l->skip_blank || !(*at == '\n' || (*at == '\r' && (left == 1 || at[1] == '\n')));
}

/* Rows whose line begins behind a newline of the piece: they are counted and, up to ROOM, noted; with `start` they
 * are all put there. */
static int64_t look_through(const lines *l, int64_t p, int64_t *start)
{
    const char *const begin = l->file + l->begin + p * PIECE, *end = l->file + piece_end(l, p);
    uint32_t *noted = l->noted + p * ROOM;
    int64_t n = 0;
    for (const char *at = begin; at < end && (at = memchr(at, '\n', (size_t)(end - at)));) {
        at++;
        if (!is_row(l, at - l->file))
            continue;
        if (start)
            start[n] = at - l->file;
        else if (n < ROOM)
            noted[n] = (uint32_t)(at - begin);
        n++;
    }
    return n;
}

static void count_rows(void *ctx, int64_t first, int64_t last)
{
    const lines *l = ctx;
    for (int64_t p = first; p < last; p++) {
        const char *at = l->file + l->begin + p * PIECE, *end = l->file + piece_end(l, p);
        l->quotes[p] = memchr(at, '"', (size_t)(end - at)) != NULL;
        l->count[p] = look_through(l, p, NULL);
    }
}

static void place_rows(void *ctx, int64_t first, int64_t last)
{
    const lines *l = ctx;
    for (int64_t p = first; p < last; p++) {
        int64_t *start = l->start + l->place[p];
        if (l->count[p] > ROOM)
            look_through(l, p, start);
        for (int64_t i = 0; i < l->count[p] && l->count[p] <= ROOM; i++)
            start[i] = l->begin + p * PIECE + l->noted[p * ROOM + i];
    }
}

static bool by_newlines(lines *l, int64_t pieces, hone__csv_rows *rows)
{
    const int64_t first = is_row(l, l->begin);
    int64_t n = first;
    for (int64_t p = 0; p < pieces; p++) {
        l->place[p] = n;
        n += l->count[p];
    }
    rows->start = l->start = hone__malloc(hone__bytes(n + 1, sizeof *rows->start));
    if (!rows->start)
        return false;
    if (first)
        rows->start[0] = l->begin;
    hone__parallel_for(pieces, 1, PIECE / 64, place_rows, l);
    rows->n = n;
    return true;
}

static bool add_row(hone__csv_rows *rows, int64_t *room, int64_t place)
{
    if (!hone__grow(&rows->start, room, rows->n + 1, sizeof *rows->start))
        return false;
    rows->start[rows->n++] = place;
    return true;
}

static bool by_fields(const char *path, const lines *l, char separator, hone__csv_rows *rows)
{
    const char *at = l->file + l->begin, *end = l->file + l->bytes;
    int64_t room = 0;
    while (at < end) {
        if (is_row(l, at - l->file) && !add_row(rows, &room, at - l->file))
            return false;
        for (bool last = false; !last;) {
            const hone__csv_field f = hone__csv_next(at, end, separator);
            if (f.open) {
                hone_error_set(HONE_E_FORMAT,
                               "csv: %s: line %lld: a quote is opened and never closed", path,
                               (long long)hone__csv_line(l->file, f.at - l->file));
                return false;
            }
            at = f.next;
            last = f.last;
        }
    }
    return true;
}

bool hone__csv_rows_find(const char *path, const char *file, int64_t begin, int64_t bytes,
                         char separator, bool skip_blank, hone__csv_rows *rows)
{
    *rows = (hone__csv_rows){ 0 };
    const int64_t pieces = begin < bytes ? (bytes - begin - 1) / PIECE + 1 : 0;
    lines l = { .file = file, .begin = begin, .bytes = bytes, .skip_blank = skip_blank };
    l.count = hone__malloc(hone__bytes(pieces + 1, sizeof *l.count));
    l.place = hone__malloc(hone__bytes(pieces + 1, sizeof *l.place));
    l.noted = hone__malloc(hone__bytes(pieces * ROOM + 1, sizeof *l.noted));
    l.quotes = hone__calloc(hone__bytes(pieces + 1, sizeof *l.quotes));
    bool done = l.count && l.place && l.noted && l.quotes;
    if (done) {
        hone__parallel_for(pieces, 1, PIECE / 8, count_rows, &l);
        for (int64_t p = 0; p < pieces; p++)
            rows->quotes |= l.quotes[p];
        done = rows->quotes ? by_fields(path, &l, separator, rows) : by_newlines(&l, pieces, rows);
    }
    hone__free(l.count);
    hone__free(l.place);
    hone__free(l.noted);
    hone__free(l.quotes);
    if (!done) {
        hone__free(rows->start);
        *rows = (hone__csv_rows){ 0 };
    }
    return done;
}

int64_t hone__csv_line(const char *file, int64_t place)
{
    int64_t line = 1;
    for (const char *at = file, *end = file + place; (at = memchr(at, '\n', (size_t)(end - at)));
         at++)
        line++;
    return line;
}
