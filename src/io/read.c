/* read.c: tensors of stored bytes, whatever the format. */
#include "core/access.h"
#include "core/core.h"
#include "core/reserve.h"
#include "io/file.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

/* ---- one tensor */

/* From which one on an cell is read. */
static hone__convert needs(const hone__cell *e)
{
    return e->kind == HONE__AS_IT_IS               ? HONE__CONVERT_NONE
           : e->dtype == HONE_F32 && e->bits == 16 ? HONE__CONVERT_HALVES
                                                   : HONE__CONVERT_ALL;
}

/* What the entry is read as. */
static const hone__cell *cell_of(const hone_file *f, int i, hone__convert convert)
{
    const hone__cell *cell = f->lie[i].cell;
    return convert & HONE__KEEP_HALVES ? hone__cell_kept(cell) : cell;
}

static bool can_read(const hone_file *f, int i, hone__convert convert)
{
    const hone_file_entry *e = &f->at[i];
    const hone__lie *lie = &f->lie[i];
    if (lie->refusal) {
        hone_error_set(HONE_E_DTYPE, "%s: %s: \"%s\" %s", f->where, f->path, e->name, lie->refusal);
        return false;
    }
    if (e->ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "%s: %s: \"%s\" has %d dims, a tensor of hone %d at most",
                       f->where, f->path, e->name, e->ndim, HONE_MAX_DIMS);
        return false;
    }
    const hone__cell *cell = cell_of(f, i, convert);
    if (cell && cell->kind != HONE__REFUSED && ((int)convert & 3) >= (int)needs(cell))
        return true;
    char why[80] = "which hone doesn't have";
    if (cell && cell->kind == HONE__WIDENED)
        hone__format(why, sizeof why, "which is read as %s if the option convert asks for it",
                     hone_dtype_name(cell->dtype));
    hone_error_set(HONE_E_DTYPE, "%s: %s: \"%s\" has dtype %.32s, %s", f->where, f->path, e->name,
                   e->dtype, cell && cell->why ? cell->why : why);
    return false;
}

/* n stored elements from one on into a tensor of that geometry, whose memory is large enough for both. */
static bool fill(const hone_file *f, int i, const hone__cell *cell, hone_tensor *t, int64_t from,
                 int64_t n)
{
    const hone__lie *lie = &f->lie[i];
    const int64_t bytes = hone__cell_bytes(cell, n), before = hone__cell_bytes(cell, from);
    const size_t size = hone_dtype_size(cell->dtype);
    if (bytes < 0 || before < 0)
        return hone__file_bad(f, "\"%s\" has a shape that its dtype %s can't have", f->at[i].name,
                              f->at[i].dtype);
    char *out = hone__data(t), *in = out + n * (int64_t)size - bytes; /* at its end */
    if (n == 0)
        return true;
    if (f->format->read ? !f->format->read(f, i, in, lie->first + before, bytes)
                        : !hone__file_read_at(f, in, bytes, f->at[i].offset + lie->first + before))
        return false;
    if (lie->swapped)
        hone__cell_swap(cell, in, n);
    if (cell->widen && !cell->widen(out, in, n)) {
        hone_error_set(HONE_E_VALUE, "%s: %s: \"%s\" is %s with a value that i64 hasn't", f->where,
                       f->path, f->at[i].name, f->at[i].dtype);
        return false;
    }
    if (cell->dtype == HONE_BOOL)
        hone__make_bools((uint8_t *)out, n, 1);
    return true;
}

/* A view of few elements that shows them very often: small in its file, without bounds in memory. */
static bool can_expand(const hone_file *f, int i, int64_t stored)
{
    const int64_t n = hone__file_numel(f->at[i].ndim, f->at[i].shape);
    if (n >= 0 && (n < 1 << 28 || n / 16 <= stored))
        return true;
    hone_error_set(HONE_E_VALUE,
                   "%s: %s: \"%s\" has %lld elements, which are %lld in the file: hone "
                   "doesn't expand so much",
                   f->where, f->path, f->at[i].name, (long long)n, (long long)stored);
    return false;
}

/* n stored floats of another dtype than t's, rounded part by part: large ones are never there whole. A
 * part of a compressed member is found by reading all before it, and so is the last one of another member
 * with a checksum: eight of them at most. */
static bool fill_rounded(const hone_file *f, int i, const hone__cell *cell, hone_tensor *t,
                         int64_t n)
{
    enum { PART = 1 << 20 };
    const int64_t part = n / 8 > PART ? (n / 8 + PART - 1) / PART * PART : PART;
    for (int64_t from = 0; from < n; from += part) {
        HONE_SCOPE();
        const int64_t count = n - from < part ? n - from : part, step = 1;
        hone_tensor *read = hone__own(hone__new(f->where, cell->dtype, 1, &count));
        hone_tensor *to = hone__own(hone__alias(t, 1, &count, &step, from));
        if (!read || !to || !fill(f, i, cell, read, from, count) || !hone_copy_(to, read))
            return false;
    }
    return true;
}

hone_tensor *hone__file_read(const hone_file *f, int i, hone__convert convert)
{
    return hone__file_read_as(f, i, convert, NULL);
}

hone_tensor *hone__file_read_as(const hone_file *f, int i, hone__convert convert,
                                const hone_dtype *as)
{
    const hone_file_entry *e = &f->at[i];
    const hone__lie *lie = &f->lie[i];
    if (!can_read(f, i, convert))
        return NULL;
    const int64_t n = lie->stride ? lie->stored : hone__file_numel(e->ndim, e->shape);
    if (n < 0) {
        hone_error_set(HONE_E_SHAPE, "%s: %s: \"%s\" has a shape that is too large", f->where,
                       f->path, e->name);
        return NULL;
    }
    const hone__cell *cell = cell_of(f, i, convert);
    const bool rounds =
        as && *as != cell->dtype && hone_dtype_is_float(*as) && hone_dtype_is_float(cell->dtype);
    const hone_dtype dtype = rounds ? *as : cell->dtype;
    hone_tensor *t = hone__own(lie->stride ? hone__new(f->where, dtype, 1, &n)
                                           : hone__new(f->where, dtype, e->ndim, e->shape));
    if (!t || !(rounds ? fill_rounded(f, i, cell, t, n) : fill(f, i, cell, t, 0, n)))
        return NULL;
    if (lie->stride && !can_expand(f, i, n))
        return NULL;
    if (lie->stride)
        t = hone_contiguous(hone__own(hone__alias(t, e->ndim, e->shape, lie->stride, 0)));
    return lie->negated && t ? hone_neg(t) : t;
}

hone_tensor *hone__file_read_named(const char *where, const hone_file *f, const char *name,
                                   hone__convert convert)
{
    HONE_NO_GRAD();
    if (!f || !name) {
        hone__error_missing(where, f ? "a name" : "a file");
        return NULL;
    }
    const int i = hone__file_find(f, name);
    if (i < 0) {
        hone_error_set(HONE_E_INDEX, "%s: %s has no tensor \"%s\"", where, f->path, name);
        return NULL;
    }
    return hone__file_read(f, i, convert);
}

hone_tensor *hone_file_read_with(const hone_file *f, const char *name,
                                 const hone_file_options *options)
{
    if (!HONE__KNOWS_OPTIONS("file_read", options))
        return NULL;
    return hone__file_read_named("file_read", f, name, hone__converts(options));
}

hone_tensor *hone_file_read(const hone_file *f, const char *name)
{
    return hone_file_read_with(f, name, NULL);
}

/* ---- all of them */

static size_t text_bytes(const hone_file *f, bool metadata)
{
    size_t bytes = 1;
    for (int i = 0; i < f->n; i++)
        bytes += strlen(f->at[i].name) + 1;
    for (int i = 0; metadata && i < f->metadata.n; i++)
        bytes += strlen(f->metadata.at[i].key) + strlen(f->metadata.at[i].value) + 2;
    return bytes;
}

static const char *put(char **text, const char *from)
{
    const size_t bytes = strlen(from) + 1;
    char *to = memcpy(*text, from, bytes);
    *text += bytes;
    return to;
}

/* Names and metadata outlive the file. */
static bool load(const hone_file *f, hone__convert convert, hone_named_list *list,
                 hone_metadata_list *metadata)
{
    char *text = hone__own_block(hone__malloc(text_bytes(f, metadata)));
    list->at = hone__own_block(hone__malloc(hone__bytes((int64_t)f->n + 1, sizeof *list->at)));
    hone_metadata *pairs =
        hone__own_block(hone__malloc(hone__bytes((int64_t)f->metadata.n + 1, sizeof *pairs)));
    if (!text || !list->at || !pairs)
        return false;
    for (list->n = 0; list->n < f->n; list->n++) {
        hone_tensor *t = hone__file_read(f, list->n, convert);
        if (!t)
            return false;
        list->at[list->n] = (hone_named){ put(&text, f->at[list->n].name), t };
    }
    for (int i = 0; metadata && i < f->metadata.n; i++) {
        const char *key = put(&text, f->metadata.at[i].key);
        pairs[i] = (hone_metadata){ key, put(&text, f->metadata.at[i].value) };
    }
    if (metadata)
        *metadata = (hone_metadata_list){ pairs, f->metadata.n };
    return true;
}

hone_named_list hone__file_load(const char *where, const char *path,
                                const hone__file_format *format, hone_metadata_list *metadata,
                                hone__convert convert, const hone_file_options *options)
{
    HONE_NO_GRAD();
    hone_named_list list = { NULL, 0 };
    if (metadata)
        *metadata = (hone_metadata_list){ NULL, 0 };
    hone_file *f = hone__file_open(where, path, format, options);
    if (!f || !load(f, convert, &list, metadata))
        list = (hone_named_list){ NULL, 0 };
    hone_file_close(f);
    return list;
}

hone_named_list hone_file_load_with(const char *path, hone_metadata_list *metadata,
                                    const hone_file_options *options)
{
    if (!HONE__KNOWS_OPTIONS("file_load", options))
        return (hone_named_list){ NULL, 0 };
    return hone__file_load("file_load", path, NULL, metadata, hone__converts(options), options);
}

hone_named_list hone_file_load(const char *path, hone_metadata_list *metadata)
{
    return hone_file_load_with(path, metadata, NULL);
}
