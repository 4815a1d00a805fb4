/* pt.c: what torch.save writes: a zip of a pickle (data.pkl) and of each storage's bytes (data/0, ...).
 * Nothing is run. Nested dicts and lists have dotted names ("optimizer.state.0.exp_avg"), plain
 * values are metadata. */
#include "core/core.h"
#include "io/pickle.h"
#include "io/zip.h"
#include "runtime/memory.h"

#include <string.h>

static const char *const endings[] = { "pt", "pth", "bin", NULL };

enum { MOST_PICKLE = 1 << 26, MOST_DEPTH = 64 };

/* ---- what a pickle may name */

#define REBUILD "torch._utils _rebuild_"
static const struct {
    const char *global, *cell;
} dtypes[] = {
    { "torch FloatStorage", "F32" },
    { "torch DoubleStorage", "F64" },
    { "torch HalfStorage", "F16" },
    { "torch BFloat16Storage", "BF16" },
    { "torch LongStorage", "I64" },
    { "torch IntStorage", "I32" },
    { "torch ShortStorage", "I16" },
    { "torch CharStorage", "I8" },
    { "torch ByteStorage", "U8" },
    { "torch BoolStorage", "BOOL" },
    { "torch ComplexFloatStorage", "C64" },
    { "torch ComplexDoubleStorage", "C128" },
    { "torch float32", "F32" },
    { "torch float64", "F64" },
    { "torch float16", "F16" },
    { "torch bfloat16", "BF16" },
    { "torch int64", "I64" },
    { "torch int32", "I32" },
    { "torch int16", "I16" },
    { "torch int8", "I8" },
    { "torch uint8", "U8" },
    { "torch bool", "BOOL" },
    { "torch uint16", "U16" },
    { "torch uint32", "U32" },
    { "torch uint64", "U64" },
    { "torch complex64", "C64" },
    { "torch complex128", "C128" },
    { "torch float8_e4m3fn", "F8_E4M3" },
    { "torch float8_e5m2", "F8_E5M2" },
    { "torch float8_e4m3fnuz", "F8_E4M3FNUZ" },
    { "torch float8_e5m2fnuz", "F8_E5M2FNUZ" },
    { "torch float8_e8m0fnu", "F8_E8M0" },
    { "torch float4_e2m1fn_x2", "F4" },
};

enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static const char *const functions[] = {
    "collections OrderedDict",
    "torch.storage UntypedStorage",
    "torch Tensor",
    "torch Size",
    REBUILD "tensor_v2",
    REBUILD "tensor_v3",
    REBUILD "parameter",
    REBUILD "parameter_with_state",
    "torch._tensor _rebuild_from_type_v2",
    "torch device",
};

enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static const hone__cell *cell_of(const hone__pickled *global)
{
    if (global->kind != HONE__PICKLED_GLOBAL)
        return NULL;
    for (int i = 0; i < N_DTYPES; i++)
        if (strcmp(global->text, dtypes[i].global) == 0)
            return hone__cell_named(dtypes[i].cell);
    return NULL;
}

/* ---- the walk through what the pickle has made */

typedef struct {
    hone_file *file;
    const char *folder; /* of the members: "archive/" */
    bool swapped;
    int64_t left; /* values that may still be visited: one may be in many places */
    char name[512];
} walk;

static bool bad(const walk *w, const char *why)
{
    return hone__file_bad(w->file, "\"%.200s\" %s", w->name, why);
}

static const hone__pickled *argument(const hone__pickled *tuple, int i, hone__pickled_kind kind)
{
    return tuple && tuple->kind == HONE__PICKLED_TUPLE && i < tuple->n &&
                   tuple->items[i]->kind == kind
               ? tuple->items[i]
               : NULL;
}

static bool is_call(const hone__pickled *v, const char *function)
{
    return v->kind == HONE__PICKLED_CALL && strcmp(v->items[0]->text, function) == 0;
}

/* A tuple of whole numbers, none negative. */
static int64_t *numbers(walk *w, const hone__pickled *tuple)
{
    int64_t *out = tuple ? hone__file_room(w->file, hone__bytes(tuple->n + 1, sizeof *out)) : NULL;
    for (int i = 0; out && i < tuple->n; i++) {
        const hone__pickled *v = argument(tuple, i, HONE__PICKLED_INT);
        if (!v || v->number < 0)
            return NULL;
        out[i] = v->number;
    }
    return out;
}

typedef struct {
    const hone__cell *cell; /* NULL: bytes without a dtype */
    int64_t member, elements;
} storage;

/* ('storage', type, key, place, elements) */
static bool read_storage(walk *w, const hone__pickled *v, storage *out)
{
    const hone__pickled *id = v && v->kind == HONE__PICKLED_OUTSIDE ? v->items[0] : NULL;
    const hone__pickled *type = argument(id, 1, HONE__PICKLED_GLOBAL);
    const hone__pickled *key = argument(id, 2, HONE__PICKLED_TEXT);
    const hone__pickled *n = argument(id, 4, HONE__PICKLED_INT);
    char name[300];
    if (!type || !key || !n || n->number < 0)
        return bad(w, "has no storage");
    *out = (storage){ .cell = cell_of(type), .elements = n->number };
    hone__format(name, sizeof name, "%sdata/%.100s", w->folder, key->text);
    out->member = hone__zip_find(w->file, name);
    return out->member >= 0 || hone__file_bad(w->file, "it has no member %s", name);
}

/* From the first element to the last one of a view; -1: they don't fit into the storage. */
static int64_t span(const hone_file_entry *e, const int64_t *stride, int64_t offset,
                    int64_t elements)
{
    int64_t last = 0, step;
    for (int d = 0; d < e->ndim; d++)
        if (e->shape[d] == 0)
            return 0;
    for (int d = 0; d < e->ndim; d++)
        if (__builtin_mul_overflow(e->shape[d] - 1, stride[d], &step) ||
            __builtin_add_overflow(last, step, &last))
            return -1;
    return last < elements && offset < elements - last ? last + 1 : -1;
}

static bool is_row_major(const hone_file_entry *e, const int64_t *stride)
{
    int64_t step = 1;
    for (int d = e->ndim; d-- > 0; step *= e->shape[d])
        if (e->shape[d] != 1 && stride[d] != step)
            return false;
    return true;
}

static bool is_negated(const hone__pickled *marks)
{
    for (int i = 0; marks && i + 1 < marks->n; i += 2)
        if (marks->items[i]->kind == HONE__PICKLED_TEXT &&
            strcmp(marks->items[i]->text, "neg") == 0 &&
            marks->items[i + 1]->kind == HONE__PICKLED_BOOL)
            return marks->items[i + 1]->number;
    return false;
}

/* (storage, offset, size, stride, requires_grad, hooks [, dtype of v3] [, marks]) */
static bool add_tensor(walk *w, const hone__pickled *a, bool v3)
{
    storage s = { .member = -1 };
    const hone__pickled *offset = argument(a, 1, HONE__PICKLED_INT);
    const hone__pickled *size = argument(a, 2, HONE__PICKLED_TUPLE);
    const hone__pickled *stride = argument(a, 3, HONE__PICKLED_TUPLE);
    if (a->n < (v3 ? 7 : 6) || !offset || offset->number < 0 || !size || !stride ||
        size->n != stride->n)
        return bad(w, "isn't as a tensor is");
    if (!read_storage(w, a->items[0], &s))
        return false;
    hone__lie lie = { .cell = v3 ? cell_of(a->items[6]) : s.cell, .member = (int)s.member };
    const int64_t *strides = numbers(w, stride);
    hone_file_entry e = { .name = hone__file_text(w->file, w->name, strlen(w->name)),
                          .ndim = size->n,
                          .shape = numbers(w, size),
                          .offset = -1 };
    if (!lie.cell || !e.shape || !strides || !e.name)
        return e.name ? bad(w, "isn't as a tensor is") : false;
    e.dtype = lie.cell->name;
    const int64_t bytes = lie.cell->bits / 8, n = hone__file_numel(e.ndim, e.shape);
    if (v3 && bytes) /* the storage is counted in bytes */
        s.elements /= bytes;
    lie.stored = n < 0 ? -1 : span(&e, strides, offset->number, s.elements);
    int64_t end;
    if (lie.stored < 0 || __builtin_add_overflow(offset->number, lie.stored, &end) ||
        __builtin_mul_overflow(end, bytes, &end) || __builtin_mul_overflow(n, bytes, &e.bytes) ||
        (n > 0 && end > hone__zip_bytes(w->file, s.member)))
        return bad(w, "reaches past the end of its storage");
    lie.first = n > 0 ? offset->number * bytes : 0;
    lie.stride = n == 0 || is_row_major(&e, strides) ? NULL : strides;
    lie.swapped = w->swapped;
    lie.negated = is_negated(argument(a, v3 ? 7 : 6, HONE__PICKLED_DICT));
    const int i = hone__file_add(w->file, e);
    if (i >= 0)
        w->file->lie[i] = lie;
    return i >= 0;
}

static bool add_value(walk *w, const char *text)
{
    char *key = hone__file_text(w->file, w->name, strlen(w->name));
    char *copy = hone__file_text(w->file, text, strlen(text));
    return key && copy && hone__file_add_metadata(w->file, key, copy);
}

static bool add_number(walk *w, const hone__pickled *v)
{
    char text[40];
    if (v->kind == HONE__PICKLED_REAL)
        hone__format(text, sizeof text, "%.17g", v->real);
    else
        hone__format(text, sizeof text, "%lld", (long long)v->number);
    return add_value(w, text);
}

static bool visit(walk *w, const hone__pickled *v, int depth);

/* One step down: NAME.key */
static bool visit_named(walk *w, const char *key, const hone__pickled *v, int depth)
{
    const size_t length = strlen(w->name);
    if (length + strlen(key) + 2 > sizeof w->name)
        return bad(w, "has a name that is too long below it");
    hone__format(w->name + length, sizeof w->name - length, "%s%s", length ? "." : "", key);
    const bool ok = visit(w, v, depth + 1);
    w->name[length] = 0;
    return ok;
}

static bool visit_items(walk *w, const hone__pickled *v, int depth)
{
    for (int i = 0; i < v->n; i++) {
        char number[16];
        hone__format(number, sizeof number, "%d", i);
        if (!visit_named(w, number, v->items[i], depth))
            return false;
    }
    return true;
}

static bool visit_dict(walk *w, const hone__pickled *v, int depth)
{
    for (int i = 0; i < v->n; i += 2) {
        const hone__pickled *key = v->items[i];
        char number[24];
        hone__format(number, sizeof number, "%lld",
                     key->kind == HONE__PICKLED_INT ? (long long)key->number : 0);
        if (key->kind != HONE__PICKLED_TEXT && key->kind != HONE__PICKLED_INT)
            return bad(w, "is a dict with keys that are neither texts nor whole numbers");
        if (!visit_named(w, key->kind == HONE__PICKLED_TEXT ? key->text : number, v->items[i + 1],
                         depth))
            return false;
    }
    return true;
}

static bool visit_call(walk *w, const hone__pickled *v, int depth)
{
    const hone__pickled *a = v->items[1];
    const bool v3 = is_call(v, REBUILD "tensor_v3");
    if (v3 || is_call(v, REBUILD "tensor_v2"))
        return add_tensor(w, a, v3);
    if ((is_call(v, REBUILD "parameter") || is_call(v, REBUILD "parameter_with_state")) &&
        a->n > 0 && a->items[0]->kind == HONE__PICKLED_CALL)
        return visit(w, a->items[0], depth + 1);
    if (is_call(v, "torch._tensor _rebuild_from_type_v2") && a->n > 2 &&
        a->items[0]->kind == HONE__PICKLED_GLOBAL && a->items[2]->kind == HONE__PICKLED_TUPLE) {
        /* (function, type, its arguments, attributes) */
        const bool type_v3 = strcmp(a->items[0]->text, REBUILD "tensor_v3") == 0;
        if (type_v3 || strcmp(a->items[0]->text, REBUILD "tensor_v2") == 0)
            return add_tensor(w, a->items[2], type_v3);
    }
    if (is_call(v, "torch Size") && a->n == 1)
        return visit(w, a->items[0], depth + 1);
    return bad(w, "is made by a call that hone doesn't know");
}

static bool visit(walk *w, const hone__pickled *v, int depth)
{
    if (depth > MOST_DEPTH)
        return bad(w, "is nested too deeply");
    if (w->left-- <= 0)
        return hone__file_bad(w->file, "its values are in too many places");
    switch (v->kind) {
    case HONE__PICKLED_DICT:
        return visit_dict(w, v, depth);
    case HONE__PICKLED_LIST:
    case HONE__PICKLED_TUPLE:
        return visit_items(w, v, depth);
    case HONE__PICKLED_CALL:
        return visit_call(w, v, depth);
    case HONE__PICKLED_NONE:
        return add_value(w, "None");
    case HONE__PICKLED_BOOL:
        return add_value(w, v->number ? "True" : "False");
    case HONE__PICKLED_INT:
    case HONE__PICKLED_REAL:
        return add_number(w, v);
    case HONE__PICKLED_TEXT:
    case HONE__PICKLED_LARGE:
    case HONE__PICKLED_GLOBAL:
        return add_value(w, v->text);
    default:
        return bad(w, "is a storage without a tensor");
    }
}

/* ---- the file */

static bool begins_old(const unsigned char *head, size_t n)
{
    static const unsigned char magic[] = { 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                           0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
    return n >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    (void)f;
    return begins_old(head, n); /* zips are told apart by their members */
}

/* "archive/" of "archive/data.pkl". */
static const char *find_folder(hone_file *f, int64_t *pickle)
{
    static const char member[] = "/data.pkl";
    const size_t length = sizeof member - 1;
    for (int64_t i = 0; i < hone__zip_count(f); i++) {
        const char *name = hone__zip_name(f, i);
        const size_t n = name ? strlen(name) : 0;
        if (n <= length || strcmp(name + n - length, member) != 0 || n > 180)
            continue;
        *pickle = i;
        return hone__file_text(f, name, n - length + 1);
    }
    return NULL;
}

bool hone__pt_is(hone_file *f)
{
    int64_t pickle;
    return find_folder(f, &pickle);
}

static bool is_big_endian(hone_file *f, const char *folder)
{
    char name[200], order[3];
    hone__format(name, sizeof name, "%sbyteorder", folder);
    const int64_t member = hone__zip_find(f, name);
    return member >= 0 && hone__zip_bytes(f, member) == 3 &&
           hone__zip_read(f, member, order, 0, 3) && memcmp(order, "big", 3) == 0;
}

static bool open_pickle(hone_file *f)
{
    unsigned char head[HONE__HEAD];
    const char *globals[N_DTYPES + N_FUNCTIONS + 1] = { NULL };
    int64_t pickle;
    const size_t n = f->bytes < HONE__HEAD ? (size_t)f->bytes : HONE__HEAD;
    if (!hone__file_read_at(f, head, (int64_t)n, 0))
        return false;
    if (begins_old(head, n))
        return hone__file_bad(f, "it is of PyTorch's format before 1.6 (the \"legacy\" one); "
                                 "torch.save(torch.load(FILE), NEW) writes today's");
    if (!f->own && !hone__zip_open(f))
        return false;
    const char *folder = find_folder(f, &pickle);
    if (!folder)
        return hone__file_bad(f, "it has no data.pkl");
    const int64_t bytes = hone__zip_bytes(f, pickle);
    if (bytes < 0 || bytes > MOST_PICKLE)
        return hone__file_bad(f, "its data.pkl has %lld bytes", (long long)bytes);
    unsigned char *text = hone__file_room(f, (size_t)bytes + 1);
    if (!text || !hone__zip_read(f, pickle, text, 0, bytes))
        return false;
    for (int i = 0; i < N_DTYPES; i++)
        globals[i] = dtypes[i].global;
    for (int i = 0; i < N_FUNCTIONS; i++)
        globals[N_DTYPES + i] = functions[i];
    const hone__pickled *root = hone__unpickle(f, text, bytes, globals);
    walk w = {
        .file = f, .folder = folder, .swapped = is_big_endian(f, folder), .left = bytes + 1000
    };
    if (root && root->kind == HONE__PICKLED_CALL)
        return visit_named(&w, "tensor", root, 0);
    return root && visit(&w, root, 0);
}

static bool read(const hone_file *f, int i, void *data, int64_t from, int64_t bytes)
{
    return hone__zip_read(f, f->lie[i].member, data, from, bytes);
}

const hone__file_format hone__pt_format = { .name = "pt",
                                            .endings = endings,
                                            .is = is,
                                            .open = open_pickle,
                                            .read = read,
                                            .close = hone__zip_close };
