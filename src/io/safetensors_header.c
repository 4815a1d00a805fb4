/* safetensors_header.c: the header's text -> entries and metadata, checked. Source: the format's
 * own reader, https://github.com/huggingface/safetensors, 0.8.0 */
#include "core/core.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"

/* ---- the text */

static bool bad_entry(const hone_file *f, const hone_file_entry *e, const char *what)
{
    return hone__file_bad(f, "\"%s\" %s", e->name, what);
}

/* Room for all shapes: there are no more numbers than digits that follow no digit. */
static int64_t *numbers_room(hone_file *f, const char *text, int64_t bytes)
{
    int64_t numbers = 0;
    bool after_digit = false;
    for (int64_t i = 0; i < bytes; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        numbers += digit && !after_digit;
        after_digit = digit;
    }
    return hone__file_room(f, hone__bytes(numbers + 1, sizeof(int64_t)));
}

typedef struct {
    hone_file *file;
    hone__json json;
    int64_t *numbers; /* where the next shape goes */
    bool has_metadata;
} header;

static bool read_metadata(header *h)
{
    hone__json *j = &h->json;
    bool first = true;
    if (h->has_metadata)
        return hone__file_bad(h->file, "its metadata is there twice");
    h->has_metadata = true;
    if (hone__json_is(j, 'n')) {
        hone__json_skip(j); /* null */
        return !j->problem;
    }
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        hone__json_take(j, ':');
        const char *value = hone__json_string(j);
        if (!j->problem && !hone__file_add_metadata(h->file, key, value))
            return false;
    }
    return !j->problem;
}

/* Numbers in brackets, of which the first `most` are kept; how many, or -1. */
static int read_numbers(hone__json *j, int64_t *numbers, int most)
{
    bool first = true;
    int n = 0;
    hone__json_take(j, '[');
    while (hone__json_more(j, ']', &first)) {
        const int64_t number = hone__json_number(j);
        if (n < most)
            numbers[n] = number;
        n++;
    }
    return j->problem ? -1 : n;
}

enum { DTYPE, SHAPE, OFFSETS, FIELDS };

static bool read_field(header *h, hone_file_entry *e, int field)
{
    hone__json *j = &h->json;
    int64_t offsets[2];
    if (field == DTYPE) {
        e->dtype = hone__json_string(j);
    } else if (field == SHAPE) {
        e->shape = h->numbers;
        e->ndim = read_numbers(j, h->numbers, INT32_MAX);
        h->numbers += e->ndim > 0 ? e->ndim : 0;
    } else {
        const int n = read_numbers(j, offsets, 2);
        if (!j->problem && n != 2)
            return bad_entry(h->file, e, "hasn't two data_offsets");
        if (!j->problem && offsets[0] > offsets[1])
            return bad_entry(h->file, e, "has data_offsets that don't fit its shape and dtype");
        e->offset = offsets[0];
        e->bytes = offsets[1] - offsets[0];
    }
    return !j->problem;
}

/* ["F32", [2, 3], [0, 24]] */
static bool read_entry_array(header *h, hone_file_entry *e)
{
    bool first = true;
    int n = 0;
    hone__json_take(&h->json, '[');
    while (hone__json_more(&h->json, ']', &first)) {
        if (n == FIELDS)
            return bad_entry(h->file, e, "has more than dtype, shape and data_offsets");
        if (!read_field(h, e, n++))
            return false;
    }
    if (!h->json.problem && n < FIELDS)
        return bad_entry(h->file, e, "lacks dtype, shape or data_offsets");
    return !h->json.problem;
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, in any order; other fields are passed
 * over. */
static bool read_entry(header *h, hone_file_entry *e)
{
    static const char *const names[FIELDS] = { "dtype", "shape", "data_offsets" };
    hone__json *j = &h->json;
    bool first = true, seen[FIELDS] = { false };
    if (hone__json_is(j, '['))
        return read_entry_array(h, e);
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        if (!key || !hone__json_take(j, ':'))
            return false;
        int field = 0;
        while (field < FIELDS && strcmp(key, names[field]) != 0)
            field++;
        if (field == FIELDS) {
            hone__json_skip(j);
            continue;
        }
        if (seen[field])
            return bad_entry(h->file, e, "has a repeated field");
        seen[field] = true;
        if (!read_field(h, e, field))
            return false;
    }
    if (!j->problem && !(seen[DTYPE] && seen[SHAPE] && seen[OFFSETS]))
        return bad_entry(h->file, e, "lacks dtype, shape or data_offsets");
    return !j->problem;
}

static bool read_text(hone_file *f, char *text, int64_t bytes, int64_t *numbers)
{
    header h = { f, { .at = text, .end = text + bytes }, numbers, false };
    hone__json *j = &h.json;
    bool first = true, ok = true;
    hone__json_take(j, '{');
    while (ok && hone__json_more(j, '}', &first)) {
        hone_file_entry entry = { .name = hone__json_string(j) };
        if (!entry.name || !hone__json_take(j, ':'))
            break;
        if (strcmp(entry.name, METADATA) == 0)
            ok = read_metadata(&h);
        else
            ok = read_entry(&h, &entry) && hone__file_add(f, entry) >= 0;
    }
    if (ok && !j->problem)
        hone__json_ends(j);
    if (j->problem && j->beyond)
        hone_error_set(HONE_E_FORMAT, "%s: hone can't read %s: %s", f->where, f->path, j->problem);
    else if (j->problem)
        hone__file_bad(f, "%s", j->problem);
    return ok && !j->problem;
}

/* ---- what is there twice: the last one counts */

_Static_assert(offsetof(hone_file_entry, name) == 0 && offsetof(hone_metadata, key) == 0,
               "both begin with their name");

/* Entries and metadata: their names point into the header. */
static const char *name_of(const void *element)
{
    return *(const char *const *)element;
}

static int by_header(const void *a, const void *b)
{
    const char *x = name_of(a), *y = name_of(b);
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    const int order = strcmp(name_of(a), name_of(b));
    return order ? order : by_header(a, b);
}

/* qsort wants an address, even for nothing. */
static void sort(void *list, int n, size_t size, int (*order)(const void *a, const void *b))
{
    if (n > 1)
        qsort(list, (size_t)n, size, order);
}

/* Sorts n elements by their names and gives how many are left. */
static int keep_last(void *list, int n, size_t size)
{
    char *const at = list;
    int kept = 0;
    sort(at, n, size, by_name);
    for (int i = 0; i < n; i++) {
        const char *element = at + (size_t)i * size;
        if (i + 1 == n || strcmp(name_of(element), name_of(element + size)) != 0)
            memmove(at + (size_t)kept++ * size, element, size);
    }
    return kept;
}

/* ---- what the entries say */

static int by_place(const void *a, const void *b)
{
    const hone_file_entry *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool size_fits(const hone_file *f, const hone_file_entry *e, const hone__cell *cell)
{
    const int64_t n = hone__file_numel(e->ndim, e->shape);
    if (n < 0)
        return bad_entry(f, e, "has a shape that is too large");
    if (cell && e->bytes != hone__cell_bytes(cell, n))
        return bad_entry(f, e, "has data_offsets that don't fit its shape and dtype");
    return true;
}

/* Every byte of the data in one tensor. */
static bool entries_fit(hone_file *f, int64_t data_begin, int64_t data_bytes)
{
    int64_t at = 0;
    sort(f->at, f->n, sizeof *f->at, by_place);
    for (int i = 0; i < f->n; i++) {
        hone_file_entry *e = &f->at[i];
        f->lie[i].cell = hone__cell_named(e->dtype);
        if (!size_fits(f, e, f->lie[i].cell))
            return false;
        if (e->offset > data_bytes || e->bytes > data_bytes - e->offset)
            return bad_entry(f, e, "ends after the file: it is truncated");
        if (e->offset != at)
            return bad_entry(f, e, e->offset < at ? "overlaps another tensor" : "follows a gap");
        at += e->bytes;
        e->offset += data_begin; /* from now on in the file, as users see it */
    }
    return at == data_bytes || hone__file_bad(f, "there are bytes after its last tensor");
}

bool hone__safetensors_header(hone_file *f, char *text, int64_t bytes)
{
    const int64_t data_begin = 8 + bytes;
    int64_t *numbers = numbers_room(f, text, bytes);
    if (!numbers || !read_text(f, text, bytes, numbers))
        return false;
    f->n = keep_last(f->at, f->n, sizeof *f->at);
    f->metadata.n = keep_last(f->metadata.at, f->metadata.n, sizeof *f->metadata.at);
    sort(f->metadata.at, f->metadata.n, sizeof *f->metadata.at, by_header);
    return entries_fit(f, data_begin, f->bytes - data_begin);
}
