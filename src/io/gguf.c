/* gguf.c: reading. Source: ggml's description of the format, docs/gguf.md. */
#include "io/gguf.h"

#include "core/core.h"
#include "io/json.h"

#include <string.h>

static const char *const endings[] = { "gguf", NULL };

enum { MOST_NAME = 1 << 16, MOST_TEXT = 1 << 20, MOST_DIMS = 16, MOST_ARRAYS = 4 };

/* ---- types of tensors, by their number */

static const struct {
    int number;
    const char *name; /* that of the cell, if hone reads it */
} types[] = {
    { 0, "F32" },     { 1, "F16" },      { 2, "Q4_0" },   { 3, "Q4_1" },    { 6, "Q5_0" },
    { 7, "Q5_1" },    { 8, "Q8_0" },     { 9, "Q8_1" },   { 10, "Q2_K" },   { 11, "Q3_K" },
    { 12, "Q4_K" },   { 13, "Q5_K" },    { 14, "Q6_K" },  { 15, "Q8_K" },   { 16, "IQ2_XXS" },
    { 17, "IQ2_XS" }, { 18, "IQ3_XXS" }, { 19, "IQ1_S" }, { 20, "IQ4_NL" }, { 21, "IQ3_S" },
    { 22, "IQ2_S" },  { 23, "IQ4_XS" },  { 24, "I8" },    { 25, "I16" },    { 26, "I32" },
    { 27, "I64" },    { 28, "F64" },     { 29, "IQ1_M" }, { 30, "BF16" },   { 34, "TQ1_0" },
    { 35, "TQ2_0" },  { 39, "MXFP4" },   { 40, "NVFP4" }, { 41, "Q1_0" },
};

enum { N_TYPES = sizeof types / sizeof *types };

int hone__gguf_type(const hone__cell *cell)
{
    for (int i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, cell->name) == 0)
            return types[i].number;
    return -1;
}

static const char *type_name(hone_file *f, uint32_t number)
{
    char text[32];
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].number == (int)number)
            return types[i].name;
    hone__format(text, sizeof text, "ggml's %u", number);
    return hone__file_text(f, text, strlen(text));
}

/* ---- the header, as it comes */

typedef struct {
    hone_file *file;
    int64_t at; /* in the file: the next byte to be taken */
    unsigned char buffer[4096];
    int64_t begin, end; /* what of the file is in the buffer */
    int64_t alignment;
} reader;

static bool take(reader *r, void *out, int64_t n)
{
    char *to = out;
    if (n > r->file->bytes - r->at)
        return hone__file_bad(r->file, "it is truncated");
    while (n > 0) {
        if (r->at < r->begin || r->at >= r->end) {
            const int64_t left = r->file->bytes - r->at, most = (int64_t)sizeof r->buffer;
            r->begin = r->at;
            r->end = r->at + (left < most ? left : most);
            if (!hone__file_read_at(r->file, r->buffer, r->end - r->begin, r->begin))
                return false;
        }
        const int64_t here = r->end - r->at < n ? r->end - r->at : n;
        memcpy(to, r->buffer + (r->at - r->begin), (size_t)here);
        to += here;
        r->at += here;
        n -= here;
    }
    return true;
}

static bool skip(reader *r, uint64_t n)
{
    if (n > (uint64_t)(r->file->bytes - r->at))
        return hone__file_bad(r->file, "it is truncated");
    r->at += (int64_t)n;
    return true;
}

#define TAKE(name, type)                                                                           \
    static bool name(reader *r, type *out)                                                         \
    {                                                                                              \
        return take(r, out, sizeof *out);                                                          \
    }
TAKE(take_u32, uint32_t)
TAKE(take_u64, uint64_t)

/* NULL: an error. What isn't UTF-8 is refused, but in values, of which it becomes "?". */
static char *take_text(reader *r, uint64_t most, bool value)
{
    uint64_t n;
    if (!take_u64(r, &n))
        return NULL;
    if (n > most || n > (uint64_t)(r->file->bytes - r->at)) {
        hone__file_bad(r->file, "it has a text of %llu bytes", (unsigned long long)n);
        return NULL;
    }
    char *text = hone__file_room(r->file, n + 1);
    if (!text || !take(r, text, (int64_t)n))
        return NULL;
    text[n] = 0;
    for (uint64_t i = 0; i < n;) {
        const int length = text[i] ? hone__utf8_length(text + i, n - i) : 0;
        if (length == 0 && !value) {
            hone__file_bad(r->file, "a name isn't UTF-8");
            return NULL;
        }
        if (length == 0)
            text[i] = '?';
        i += length ? (uint64_t)length : 1;
    }
    return text;
}

/* ---- metadata */

enum { U8, I8, U16, I16, U32, I32, REAL32, BOOL, STRING, ARRAY, U64, I64, REAL64, VALUE_TYPES };

static const uint8_t value_bytes[VALUE_TYPES] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

static bool take_number(reader *r, uint32_t type, char *text, size_t size, int64_t *whole)
{
    unsigned char b[8] = { 0 };
    if (!take(r, b, value_bytes[type]))
        return false;
    float real32;
    double real64;
    uint64_t u;
    memcpy(&real32, b, 4);
    memcpy(&real64, b, 8);
    memcpy(&u, b, 8);
    const int unused = 64 - 8 * value_bytes[type];
    *whole = (int64_t)(u << unused) >> unused;
    if (type == REAL32 || type == REAL64)
        hone__format(text, size, type == REAL32 ? "%.9g" : "%.17g",
                     type == REAL32 ? (double)real32 : real64);
    else if (type == BOOL)
        hone__format(text, size, "%s", u ? "true" : "false");
    else if (type == U8 || type == U16 || type == U32 || type == U64)
        hone__format(text, size, "%llu", (unsigned long long)u);
    else
        hone__format(text, size, "%lld", (long long)*whole);
    return true;
}

/* Passed over: a vocabulary is longer than anybody wants to look at. */
static bool skip_array(reader *r, int depth, uint64_t *count)
{
    uint32_t type;
    if (!take_u32(r, &type) || !take_u64(r, count))
        return false;
    if (type >= VALUE_TYPES || (type == ARRAY && depth == MOST_ARRAYS))
        return hone__file_bad(r->file, "it has metadata of the type %u", type);
    if (type != STRING && type != ARRAY)
        return (*count <= UINT64_MAX / 8 || hone__file_bad(r->file, "it is truncated")) &&
               skip(r, *count * value_bytes[type]);
    for (uint64_t i = 0; i < *count; i++) {
        uint64_t n;
        if (type == ARRAY ? !skip_array(r, depth + 1, &n) : !take_u64(r, &n) || !skip(r, n))
            return false;
    }
    return true;
}

static bool take_metadata(reader *r)
{
    char text[48];
    uint32_t type;
    uint64_t count;
    int64_t whole = 0;
    char *key = take_text(r, MOST_NAME, false), *value = NULL;
    if (!key || !take_u32(r, &type))
        return false;
    if (type >= VALUE_TYPES)
        return hone__file_bad(r->file, "\"%s\" has metadata of the type %u", key, type);
    if (type == STRING) {
        value = take_text(r, MOST_TEXT, true);
    } else {
        if (type == ARRAY ? !skip_array(r, 0, &count)
                          : !take_number(r, type, text, sizeof text, &whole))
            return false;
        if (type == ARRAY)
            hone__format(text, sizeof text, "[%llu values]", (unsigned long long)count);
        value = hone__file_text(r->file, text, strlen(text));
    }
    if (type == U32 && strcmp(key, "general.alignment") == 0)
        r->alignment = (int64_t)(uint32_t)whole;
    return value && hone__file_add_metadata(r->file, key, value);
}

/* ---- tensors */

static bool take_shape(reader *r, hone_file_entry *e)
{
    uint32_t n;
    if (!take_u32(r, &n))
        return false;
    if (n > MOST_DIMS)
        return hone__file_bad(r->file, "\"%s\" has %u dims", e->name, n);
    int64_t *shape = hone__file_room(r->file, (n + 1) * sizeof *shape);
    e->ndim = (int)n;
    e->shape = shape;
    for (uint32_t d = 0; shape && d < n; d++) /* fastest first */
        if (!take(r, &shape[n - 1 - d], 8))
            return false;
    return shape;
}

static bool take_tensor(reader *r)
{
    uint32_t type;
    uint64_t offset;
    hone_file_entry e = { .name = take_text(r, MOST_NAME, false) };
    if (!e.name || !take_shape(r, &e) || !take_u32(r, &type) || !take_u64(r, &offset))
        return false;
    e.dtype = type_name(r->file, type);
    if (!e.dtype)
        return false;
    const hone__cell *cell = hone__cell_named(e.dtype);
    const int64_t n = hone__file_numel(e.ndim, e.shape);
    e.bytes = n < 0 || !cell ? -1 : hone__cell_bytes(cell, n);
    if (n < 0 || (cell && (e.bytes < 0 || (e.ndim > 0 && e.shape[e.ndim - 1] % cell->block != 0))))
        return hone__file_bad(r->file, "\"%s\" has a shape that its dtype %s can't have", e.name,
                              e.dtype);
    if (offset > INT64_MAX / 2)
        return hone__file_bad(r->file, "\"%s\" ends after the file: it is truncated", e.name);
    e.offset = (int64_t)offset;
    const int i = hone__file_add(r->file, e);
    if (i >= 0)
        r->file->lie[i].cell = cell;
    return i >= 0;
}

/* Places count from where the data begin. */
static bool place_tensors(reader *r)
{
    hone_file *f = r->file;
    const int64_t a = r->alignment, begin = (r->at + a - 1) / a * a;
    for (int i = 0; i < f->n; i++) {
        hone_file_entry *e = &f->at[i];
        if (e->offset % a != 0)
            return hone__file_bad(f, "\"%s\" doesn't lie at a multiple of %lld bytes", e->name,
                                  (long long)a);
        e->offset += begin;
        if (e->bytes > 0 && (e->offset > f->bytes || e->bytes > f->bytes - e->offset))
            return hone__file_bad(f, "\"%s\" ends after the file: it is truncated", e->name);
    }
    return true;
}

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    (void)f;
    return n >= 4 && memcmp(head, "GGUF", 4) == 0;
}

static bool open_header(hone_file *f)
{
    reader r = { .file = f, .at = 4, .alignment = HONE__GGUF_ALIGNMENT };
    char magic[4] = "";
    uint32_t version;
    uint64_t n_tensors, n_metadata;
    r.at = 0;
    if (!take(&r, magic, 4) || !take_u32(&r, &version))
        return false;
    if (memcmp(magic, "GGUF", 4) != 0)
        return hone__file_bad(f, "it doesn't begin as one");
    if (version > 0 && (version & 0xFFFF) == 0)
        return hone__file_bad(f, "it is a big-endian one");
    if (version != 2 && version != HONE__GGUF_VERSION)
        return hone__file_bad(f, "its version is %u, and hone reads 2 and 3", version);
    if (!take_u64(&r, &n_tensors) || !take_u64(&r, &n_metadata))
        return false;
    for (uint64_t i = 0; i < n_metadata; i++) /* each takes bytes of the file */
        if (!take_metadata(&r))
            return false;
    if (r.alignment < 1 || r.alignment > 1 << 20 || (r.alignment & (r.alignment - 1)))
        return hone__file_bad(f, "its alignment is %lld", (long long)r.alignment);
    for (uint64_t i = 0; i < n_tensors; i++)
        if (!take_tensor(&r))
            return false;
    return place_tensors(&r);
}

const hone__file_format hone__gguf_format = {
    .name = "GGUF", .endings = endings, .is = is, .open = open_header, .save = hone__gguf_save
};
