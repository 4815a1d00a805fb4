/* safetensors_header.c: the header's text -> entries and metadata, checked. Source: the format's
 * own reader, https://github.com/huggingface/safetensors, 0.8.0 */
#include "core/core.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"

/* ---- dtypes */

const char *hone__entry_dtype_name(hone_dtype dtype)
{
    return (unsigned)dtype < HONE_DTYPES ? hone__dtypes[dtype].file_name : "?";
}

int hone__entry_dtype(const char *name)
{
    for (int d = 0; d < HONE_DTYPES; d++)
        if (strcmp(name, hone__dtypes[d].file_name) == 0)
            return d;
    return -1;
}

bool hone__entry_is_half(const char *name)
{
    return strcmp(name, "F16") == 0 || strcmp(name, "BF16") == 0;
}

/* Bits of an element, of all dtypes that the format has; 0: one that came later. */
static int dtype_bits(const char *name)
{
    static const struct {
        const char *name;
        int bits;
    } all[] = {
        { "U64", 64 },    { "I64", 64 },        { "F64", 64 },    { "C64", 64 },
        { "F32", 32 },    { "U32", 32 },        { "I32", 32 },    { "BF16", 16 },
        { "F16", 16 },    { "U16", 16 },        { "I16", 16 },    { "F8_E5M2FNUZ", 8 },
        { "F8_E8M0", 8 }, { "F8_E4M3FNUZ", 8 }, { "F8_E4M3", 8 }, { "F8_E5M2", 8 },
        { "I8", 8 },      { "U8", 8 },          { "BOOL", 8 },    { "F6_E2M3", 6 },
        { "F6_E3M2", 6 }, { "F4", 4 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i].name) == 0)
            return all[i].bits;
    return 0;
}

/* ---- the text */

bool hone__tensor_file_bad(const hone__tensor_file *f, const char *what)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid safetensors file: %s", f->where, f->path,
                   what);
    return false;
}

static bool bad_entry(const hone__tensor_file *f, const hone_safetensors_entry *e, const char *what)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid safetensors file: \"%s\" %s", f->where,
                   f->path, e->name, what);
    return false;
}

/* Upper bounds of what there is: a tensor has two brackets and at least 17 bytes ("":["",[],[0,0]],),
 * a metadata string and its key 4 quotes, a number digits that follow no digit. */
static bool make_room(hone__tensor_file *f, int64_t bytes)
{
    size_t brackets = 0, quotes = 0, numbers = 0;
    bool after_digit = false;
    for (int64_t i = 0; i < bytes; i++) {
        const char c = f->text[i];
        brackets += c == '[';
        quotes += c == '"';
        const bool digit = c >= '0' && c <= '9';
        numbers += digit && !after_digit;
        after_digit = digit;
    }
    const size_t by_brackets = brackets / 2 + 1, by_bytes = (size_t)bytes / 16 + 1;
    const size_t entries = by_brackets < by_bytes ? by_brackets : by_bytes;
    f->at = hone__calloc(hone__bytes((int64_t)entries, sizeof *f->at));
    f->metadata.at = hone__calloc(hone__bytes((int64_t)quotes / 4 + 1, sizeof *f->metadata.at));
    f->shapes = hone__malloc(hone__bytes((int64_t)numbers + 1, sizeof *f->shapes));
    return f->at && f->metadata.at && f->shapes;
}

typedef struct {
    hone__tensor_file *file;
    hone__json json;
    int64_t *numbers; /* where the next shape goes */
    bool has_metadata;
} header;

static bool read_metadata(header *h)
{
    hone__json *j = &h->json;
    hone_metadata_list *metadata = &h->file->metadata;
    bool first = true;
    if (h->has_metadata)
        return hone__tensor_file_bad(h->file, "its metadata is there twice");
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
        if (!j->problem)
            metadata->at[metadata->n++] = (hone_metadata){ key, value };
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

static bool read_field(header *h, hone_safetensors_entry *e, int field)
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
static bool read_entry_array(header *h, hone_safetensors_entry *e)
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
static bool read_entry(header *h, hone_safetensors_entry *e)
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

static bool read_text(hone__tensor_file *f, int64_t bytes)
{
    header h = { f, { .at = f->text, .end = f->text + bytes }, f->shapes, false };
    hone__json *j = &h.json;
    bool first = true, ok = true;
    hone__json_take(j, '{');
    while (ok && hone__json_more(j, '}', &first)) {
        const char *name = hone__json_string(j);
        if (!name || !hone__json_take(j, ':'))
            break;
        if (strcmp(name, METADATA) == 0) {
            ok = read_metadata(&h);
        } else {
            f->at[f->n].name = name;
            ok = read_entry(&h, &f->at[f->n]);
            f->n++;
        }
    }
    if (ok && !j->problem)
        hone__json_ends(j);
    if (j->problem && j->beyond)
        hone_error_set(HONE_E_FORMAT, "%s: hone can't read %s: %s", f->where, f->path, j->problem);
    else if (j->problem)
        hone__tensor_file_bad(f, j->problem);
    return ok && !j->problem;
}

/* ---- what is there twice: the last one counts */

_Static_assert(offsetof(hone_safetensors_entry, name) == 0 && offsetof(hone_metadata, key) == 0,
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

/* Sorts n elements by their names and gives how many are left. */
static int keep_last(void *list, int n, size_t size)
{
    char *const at = list;
    int kept = 0;
    qsort(at, (size_t)n, size, by_name);
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
    const hone_safetensors_entry *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool size_fits(const hone__tensor_file *f, const hone_safetensors_entry *e)
{
    int64_t bits = dtype_bits(e->dtype);
    const bool is_known = bits > 0;
    bool overflow = false;
    for (int d = 0; d < e->ndim; d++) /* a 0 ends all growth, so it goes first */
        bits = e->shape[d] == 0 ? 0 : bits;
    for (int d = 0; d < e->ndim; d++)
        overflow = overflow || __builtin_mul_overflow(bits, e->shape[d], &bits);
    if (overflow)
        return bad_entry(f, e, "has a shape that is too large");
    if (is_known && (bits % 8 != 0 || e->bytes != bits / 8))
        return bad_entry(f, e, "has data_offsets that don't fit its shape and dtype");
    return true;
}

/* Every byte of the data in one tensor. */
static bool entries_fit(hone__tensor_file *f, int64_t data_bytes)
{
    int64_t at = 0;
    qsort(f->at, (size_t)f->n, sizeof *f->at, by_place);
    for (int i = 0; i < f->n; i++) {
        const hone_safetensors_entry *e = &f->at[i];
        if (!size_fits(f, e))
            return false;
        if (e->offset > data_bytes || e->bytes > data_bytes - e->offset)
            return bad_entry(f, e, "ends after the file: it is truncated");
        if (e->offset != at)
            return bad_entry(f, e, e->offset < at ? "overlaps another tensor" : "follows a gap");
        at += e->bytes;
    }
    return at == data_bytes || hone__tensor_file_bad(f, "there are bytes after its last tensor");
}

bool hone__tensor_header_read(hone__tensor_file *f, int64_t bytes, int64_t data_bytes)
{
    if (!make_room(f, bytes) || !read_text(f, bytes))
        return false;
    f->n = keep_last(f->at, f->n, sizeof *f->at);
    f->metadata.n = keep_last(f->metadata.at, f->metadata.n, sizeof *f->metadata.at);
    qsort(f->metadata.at, (size_t)f->metadata.n, sizeof *f->metadata.at, by_header);
    if (!entries_fit(f, data_bytes))
        return false;
    for (int i = 0; i < f->n; i++) /* from now on in the file, as users see it */
        f->at[i].offset += f->data_begin;
    return true;
}
