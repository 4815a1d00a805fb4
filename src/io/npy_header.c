/* npy_header.c: the header's text, to and from. Source: numpy's format, NEP 1, and what numpy 2's reader
 * takes and refuses.
 *
 * The header is a literal of Python. A parser of Python's literals is in no C library that one would
 * want to depend on; this one knows what such a header may have: a dict of three keys with a text, a
 * bool and a tuple of numbers, blanks and comments between them. */
#include "core/core.h"
#include "io/npy.h"
#include "runtime/memory.h"

#include <string.h>

enum { MOST_HEADER = 1 << 20 }; /* of no array that hone could read; numpy's own limit is 10000 */

int64_t hone__npy_begin(const hone_file *f, const char *what, const unsigned char *head, size_t n)
{
    if (n < 10 || memcmp(head, "\x93NUMPY", 6) != 0) {
        hone__file_bad(f, "%sit doesn't begin as one", what);
        return -1;
    }
    const int major = head[6], minor = head[7];
    if (major < 1 || major > 3 || minor != 0) {
        hone__file_bad(f, "%sits version is %d.%d, and there are 1.0, 2.0 and 3.0", what, major,
                       minor);
        return -1;
    }
    const int64_t begin = major == 1 ? 10 : 12;
    if ((int64_t)n < begin) {
        hone__file_bad(f, "%sit is truncated", what);
        return -1;
    }
    const int64_t length = major == 1 ? head[8] | head[9] << 8
                                      : (int64_t)head[8] | (int64_t)head[9] << 8 |
                                            (int64_t)head[10] << 16 | (int64_t)head[11] << 24;
    if (length > MOST_HEADER) {
        hone__file_bad(f, "%sits header is %lld bytes long", what, (long long)length);
        return -1;
    }
    return begin + length;
}

/* ---- a literal of Python */

typedef struct {
    const hone_file *file;
    const char *what;
    char *at, *end;
    bool bad;
} literal;

static bool problem(literal *t, const char *why)
{
    if (!t->bad)
        hone__file_bad(t->file, "%sits header %s", t->what, why);
    t->bad = true;
    return false;
}

static void skip_blanks(literal *t)
{
    for (; t->at < t->end; t->at++) {
        if (*t->at == '#')
            while (t->at < t->end && *t->at != '\n')
                t->at++;
        if (t->at == t->end || !strchr(" \t\n\r\f", *t->at) || !*t->at)
            return;
    }
}

static bool next_is(literal *t, char c)
{
    skip_blanks(t);
    return !t->bad && t->at < t->end && *t->at == c;
}

static bool take(literal *t, char c)
{
    if (!next_is(t, c))
        return false;
    t->at++;
    return true;
}

/* In single or double quotes; ended by a 0 where it stands. NULL: it is none. */
static char *take_text(literal *t)
{
    const bool single = next_is(t, '\'');
    if (!single && !next_is(t, '"'))
        return NULL;
    char *const begin = ++t->at;
    while (t->at < t->end && *t->at != (single ? '\'' : '"') && *t->at != '\n' && *t->at != '\\')
        t->at++;
    if (t->at == t->end || *t->at == '\n' || *t->at == '\\') {
        problem(t, "has a text that hone can't read");
        return NULL;
    }
    *t->at++ = 0;
    return begin;
}

static bool take_word(literal *t, const char *word)
{
    skip_blanks(t);
    const size_t n = strlen(word);
    if (t->bad || (size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

/* 3, and 3L as Python 2 wrote it. */
static bool take_extent(literal *t, int64_t *extent)
{
    skip_blanks(t);
    char *const begin = t->at;
    *extent = 0;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*extent, 10, extent) ||
            __builtin_add_overflow(*extent, *t->at - '0', extent))
            return problem(t, "has a shape that is too large");
    if (t->at == begin)
        return problem(t, "has a shape that is no tuple of numbers (0, 1, 2, ...)");
    if (t->at < t->end && *t->at == 'L')
        t->at++;
    return true;
}

/* A tuple: (3) is a number, (3,) one of one number. */
static bool take_shape(literal *t, int64_t *shape, int most, int *ndim)
{
    bool comma = true;
    if (!take(t, '('))
        return problem(t, "has a shape that is no tuple");
    for (*ndim = 0; !take(t, ')'); ++*ndim) {
        if (!comma || *ndim == most)
            return problem(t, comma ? "has a shape of too many dims"
                                    : "has a shape without commas between its numbers");
        if (!take_extent(t, &shape[*ndim]))
            return false;
        comma = take(t, ',');
        if (!comma && *ndim == 0 && next_is(t, ')'))
            return problem(t, "has a shape that is a number, no tuple");
    }
    return true;
}

/* ---- dtypes */

typedef struct {
    const char *text, *cell;
} named_dtype;

/* By letter and bytes, and by the names that numpy's dtype() takes. */
static const named_dtype dtypes[] = {
    { "f2", "F16" },        { "f4", "F32" },          { "f8", "F64" },      { "i1", "I8" },
    { "i2", "I16" },        { "i4", "I32" },          { "i8", "I64" },      { "u1", "U8" },
    { "u2", "U16" },        { "u4", "U32" },          { "u8", "U64" },      { "b1", "BOOL" },
    { "c8", "C64" },        { "c16", "C128" },        { "f1", "F8_E5M2" },  { "?", "BOOL" },
    { "float16", "F16" },   { "float32", "F32" },     { "float64", "F64" }, { "int8", "I8" },
    { "int16", "I16" },     { "int32", "I32" },       { "int64", "I64" },   { "uint8", "U8" },
    { "uint16", "U16" },    { "uint32", "U32" },      { "uint64", "U64" },  { "bool", "BOOL" },
    { "e", "F16" },         { "f", "F32" },           { "d", "F64" },       { "b", "I8" },
    { "B", "U8" },          { "h", "I16" },           { "H", "U16" },       { "i", "I32" },
    { "I", "U32" },         { "l", "I64" },           { "L", "U64" },       { "q", "I64" },
    { "Q", "U64" },         { "F", "C64" },           { "D", "C128" },      { "float", "F64" },
    { "int", "I64" },       { "half", "F16" },        { "single", "F32" },  { "double", "F64" },
    { "complex64", "C64" }, { "complex128", "C128" },
};

/* '<f4': an element and its order. What numpy can save and hone has no dtype for is told by its
 * own name ('<U5', 'O', '|V2'), and only reading it is refused. */
static void read_descr(const hone_file *f, hone_file_entry *e, hone__lie *lie, const char *descr)
{
    const bool has_order = descr[0] && strchr("<>=|", descr[0]);
    const char *letters = has_order ? descr + 1 : descr;
    e->dtype = descr;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(letters, dtypes[i].text) == 0)
            lie->cell = hone__cell_named(dtypes[i].cell);
    const int void_bits = strcmp(letters, "V1") == 0 ? 8 : strcmp(letters, "V2") == 0 ? 16 : 0;
    if (void_bits && f->unnamed && f->unnamed->bits == void_bits)
        lie->cell = f->unnamed;
    if (lie->cell)
        e->dtype = lie->cell->name;
    else if (letters[0] == 'O')
        lie->refusal = "holds Python objects, which hone doesn't read";
    else if (void_bits)
        lie->refusal =
            void_bits == 16
                ? "has dtype V2, two bytes that numpy doesn't name, as it writes bfloat16"
                : "has dtype V1, a byte that numpy doesn't name, as it writes float8, "
                  "float6 and int4";
    lie->swapped = descr[0] == '>' && lie->cell && lie->cell->bits > 8;
}

/* ---- the header */

typedef struct {
    const char *descr;
    bool structured, fortran;
    int64_t *shape;
    int ndim;
} header;

/* A list of fields: passed over to its end. */
static bool take_descr(literal *t, header *h)
{
    h->descr = take_text(t);
    if (h->descr || t->bad)
        return !t->bad;
    int depth = 0;
    if (!next_is(t, '[') && !next_is(t, '('))
        return problem(t, "has a descr that is no text");
    h->structured = true;
    do {
        if (next_is(t, '\'') || next_is(t, '"')) {
            if (!take_text(t))
                return false;
            continue;
        }
        if (t->at == t->end)
            return problem(t, "has a descr without end");
        depth += *t->at == '[' || *t->at == '(';
        depth -= *t->at == ']' || *t->at == ')';
        t->at++;
    } while (depth > 0);
    return true;
}

static bool take_value(literal *t, header *h, const char *key, int most)
{
    if (strcmp(key, "descr") == 0)
        return take_descr(t, h);
    if (strcmp(key, "shape") == 0)
        return take_shape(t, h->shape, most, &h->ndim);
    if (strcmp(key, "fortran_order") != 0)
        return problem(t, "has keys other than descr, fortran_order and shape");
    h->fortran = take_word(t, "True");
    return h->fortran || take_word(t, "False") ||
           problem(t, "has a fortran_order that is neither True nor False");
}

static bool take_dict(literal *t, header *h, int most)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    bool seen[3] = { false };
    if (!take(t, '{'))
        return problem(t, "is no dict");
    for (bool comma = true; !take(t, '}'); comma = take(t, ',')) {
        const char *key = comma ? take_text(t) : NULL;
        if (!key || !take(t, ':'))
            return problem(t, "is no dict that hone can read");
        if (!take_value(t, h, key, most))
            return false;
        for (int i = 0; i < 3; i++)
            seen[i] = seen[i] || strcmp(key, keys[i]) == 0;
    }
    skip_blanks(t);
    if (t->at < t->end)
        return problem(t, "goes on after its dict");
    return (seen[0] && seen[1] && seen[2]) || problem(t, "lacks descr, fortran_order or shape");
}

static bool lay_out(hone_file *f, const char *what, hone_file_entry *e, hone__lie *lie,
                    bool fortran, int64_t bytes)
{
    const int64_t n = hone__file_numel(e->ndim, e->shape);
    const int64_t needed = n >= 0 && lie->cell ? hone__cell_bytes(lie->cell, n) : 0;
    if (n < 0 || needed < 0)
        return hone__file_bad(f, "%sits header has a shape that is too large", what);
    if (needed > bytes)
        return hone__file_bad(f, "%sit is truncated: %lld bytes of data, of which %lld are there",
                              what, (long long)needed, (long long)bytes);
    e->bytes = lie->cell ? needed : bytes;
    if (!fortran || e->ndim < 2 || n == 0)
        return true;
    int64_t *stride = hone__file_room(f, (size_t)e->ndim * sizeof *stride), step = 1;
    for (int d = 0; stride && d < e->ndim; d++) {
        stride[d] = step;
        step *= e->shape[d];
    }
    lie->stride = stride;
    lie->stored = n;
    return stride;
}

bool hone__npy_add(hone_file *f, const char *what, const char *name, unsigned char *bytes,
                   int64_t begin, int64_t data_bytes)
{
    const int before = bytes[6] == 1 ? 10 : 12;
    enum { MOST_DIMS = 64 }; /* numpy's */
    literal t = { f, what, (char *)bytes + before, (char *)bytes + begin, false };
    header h = { .shape = hone__file_room(f, MOST_DIMS * sizeof(int64_t)) };
    hone__lie lie = { .first = 0 };
    if (!h.shape || !take_dict(&t, &h, MOST_DIMS))
        return false;
    hone_file_entry e = {
        .name = name, .dtype = "a struct", .ndim = h.ndim, .shape = h.shape, .offset = -1
    };
    if (h.structured)
        lie.refusal = "holds structs, which hone doesn't read";
    else
        read_descr(f, &e, &lie, h.descr);
    if (!lay_out(f, what, &e, &lie, h.fortran, data_bytes))
        return false;
    const int i = hone__file_add(f, e);
    if (i >= 0)
        f->lie[i] = lie;
    return i >= 0;
}

/* ---- writing */

static const char *descr_of(const hone__cell *cell)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].cell, cell->name) == 0)
            return dtypes[i].text;
    return NULL;
}

char *hone__npy_header(const char *where, const hone__cell *cell, int ndim, const int64_t *shape,
                       size_t *bytes)
{
    char dims[24 * HONE_MAX_DIMS] = "";
    size_t used = 0;
    for (int d = 0; d < ndim; d++)
        used += (size_t)hone__format(dims + used, sizeof dims - used, "%s%lld%s", d ? " " : "",
                                     (long long)shape[d], d + 1 < ndim || ndim == 1 ? "," : "");
    const char *descr = descr_of(cell);
    if (!descr) {
        hone_error_set(HONE_E_DTYPE, "%s: numpy has no %s", where, cell->name);
        return NULL;
    }
    enum { ROOM = 512 };
    char *text = hone__own_block(hone__malloc(ROOM));
    if (!text)
        return NULL;
    const int n = hone__format(text + 10, ROOM - 10,
                               "{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }",
                               cell->bits == 8 ? "|" : "<", descr, dims);
    *bytes = ((size_t)n + 10 + 1 + 63) / 64 * 64;
    memset(text + 10 + n, ' ', *bytes - 10 - (size_t)n);
    text[*bytes - 1] = '\n';
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = (char)((*bytes - 10) & 0xFF);
    text[9] = (char)((*bytes - 10) >> 8);
    return text;
}
