/* npz.c: a zip of npy files. What numpy writes into the local headers (sizes of 0xffffffff, zip64,
 * data descriptors to a pipe) is not looked at: the central directory counts. */
#include "core/core.h"
#include "io/npy.h"
#include "io/store.h"
#include "io/zip.h"
#include "runtime/memory.h"

#include <string.h>

static const char *const endings[] = { "npz", NULL };

/* ---- reading */

static bool is_npy(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".npy") == 0;
}

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    (void)f;
    return n >= 4 && memcmp(head, "PK", 2) == 0 &&
           (memcmp(head + 2, "\x03\x04", 2) == 0 || memcmp(head + 2, "\x05\x06", 2) == 0);
}

static bool add_member(hone_file *f, int64_t member, const char *name)
{
    char what[80];
    unsigned char before[HONE__NPY_BEFORE];
    const int64_t bytes = hone__zip_bytes(f, member);
    const int64_t n = bytes < HONE__NPY_BEFORE ? bytes : HONE__NPY_BEFORE;
    hone__format(what, sizeof what, "%.60s: ", name);
    if (bytes < 0)
        return hone__file_bad(f, "%sits size isn't known", what);
    if (!hone__zip_read(f, member, before, 0, n))
        return false;
    const int64_t begin = hone__npy_begin(f, what, before, (size_t)n);
    if (begin < 0)
        return false;
    if (begin > bytes)
        return hone__file_bad(f, "%sit is truncated", what);
    unsigned char *header = hone__file_room(f, (size_t)begin);
    char *array = hone__file_text(f, name, strlen(name) - 4);
    if (!header || !array || !hone__zip_read(f, member, header, 0, begin) ||
        !hone__npy_add(f, what, array, header, begin, bytes - begin))
        return false;
    f->lie[f->n - 1].member = (int)member;
    f->lie[f->n - 1].first = begin;
    return true;
}

static bool open_zip(hone_file *f)
{
    if (!hone__zip_open(f))
        return false;
    if (hone__pt_is(f)) {
        f->format = &hone__pt_format;
        return f->format->open(f);
    }
    const int64_t n = hone__zip_count(f);
    for (int64_t i = 0; i < n; i++) {
        const char *name = hone__zip_name(f, i);
        if (name && is_npy(name) && !add_member(f, i, name))
            return false;
    }
    if (n > 0 && f->n == 0)
        return hone__file_bad(f, "none of its %lld members is an npy", (long long)n);
    return true;
}

static bool read(const hone_file *f, int i, void *data, int64_t from, int64_t bytes)
{
    return hone__zip_read(f, f->lie[i].member, data, from, bytes);
}

/* ---- writing */

static char *member_name(const char *name)
{
    const size_t n = strlen(name);
    char *member = hone__own_block(hone__malloc(n + 5));
    if (member) {
        memcpy(member, name, n);
        memcpy(member + n, ".npy", 5);
    }
    return member;
}

static hone_status save(const char *where, const char *path, hone_named_list tensors,
                        const hone_file_save_options *o)
{
    const hone__cell *floats = o->floats ? hone__cell_named(o->floats) : NULL;
    hone__zip_member *members =
        hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 1, sizeof *members)));
    if (!members || !hone__names_fit(where, tensors, NULL))
        return hone__error_last();
    for (int i = 0; i < tensors.n; i++) {
        hone__stored s;
        hone__zip_member *m = &members[i];
        if (!hone__store(&tensors.at[i], floats, &s))
            return hone__error_last();
        *m = (hone__zip_member){ .data = s.data, .data_bytes = s.bytes };
        m->head = hone__npy_header(where, s.cell, s.tensor->ndim, s.tensor->shape, &m->head_bytes);
        m->name = member_name(s.name);
        if (!m->head || !m->name)
            return hone__error_last();
    }
    return hone__zip_save(where, path, members, tensors.n);
}

const hone__file_format hone__npz_format = { .name = "npz",
                                             .endings = endings,
                                             .is = is,
                                             .open = open_zip,
                                             .read = read,
                                             .close = hone__zip_close,
                                             .save = save };
