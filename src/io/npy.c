/* npy.c: a file of one array: read, mapped, written. */
#include "io/npy.h"

#include "core/core.h"
#include "io/replace.h"
#include "io/store.h"
#include "runtime/memory.h"

#include <hone/autograd.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY "array" /* the name of the one that has none */

static const char *const endings[] = { "npy", NULL };

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    (void)f;
    return n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

static bool open_header(hone_file *f)
{
    unsigned char before[HONE__NPY_BEFORE];
    const int64_t n = f->bytes < HONE__NPY_BEFORE ? f->bytes : HONE__NPY_BEFORE;
    if (!hone__file_read_at(f, before, n, 0))
        return false;
    const int64_t begin = hone__npy_begin(f, "", before, (size_t)n);
    if (begin < 0)
        return false;
    if (begin > f->bytes)
        return hone__file_bad(f, "it is truncated");
    unsigned char *header = hone__file_room(f, (size_t)begin);
    if (!header || !hone__file_read_at(f, header, begin, 0) ||
        !hone__npy_add(f, "", ARRAY, header, begin, f->bytes - begin))
        return false;
    f->at[0].offset = begin;
    return true;
}

/* ---- writing */

static hone_status save(const char *where, const char *path, hone_named_list tensors,
                        const hone_file_save_options *o)
{
    hone__stored stored;
    size_t header_bytes;
    if (tensors.n != 1)
        return hone_error_set(HONE_E_VALUE,
                              "%s: %s: an npy file has one array, not %d: .npz has "
                              "more",
                              where, path, tensors.n);
    if (!hone__needs_tensor(where, tensors.at[0].tensor) ||
        !hone__store(&tensors.at[0], o->floats ? hone__cell_named(o->floats) : NULL, &stored))
        return hone__error_last();
    const hone_tensor *t = stored.tensor;
    const char *header = hone__npy_header(where, stored.cell, t->ndim, t->shape, &header_bytes);
    if (!header)
        return hone__error_last();
    const hone__part parts[] = { { header, header_bytes }, { stored.data, stored.bytes } };
    return hone__replace_file(where, path, parts, 2);
}

hone_status hone_npy_save(const char *path, hone_tensor *t)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!path)
        return hone_error_set(HONE_E_NULL, "npy_save: the path is NULL");
    if (!hone__ready())
        return hone__error_last();
    return save("npy_save", path, (hone_named_list){ &(hone_named){ ARRAY, t }, 1 },
                &(hone_file_save_options){ 0 });
}

const hone__file_format hone__npy_format = {
    .name = "npy", .endings = endings, .is = is, .open = open_header, .save = save
};

/* ---- reading */

hone_tensor *hone_npy_load_with(const char *path, const hone_file_options *options)
{
    HONE_NO_GRAD();
    hone_file *f = hone__file_open("npy_load", path, &hone__npy_format, options);
    hone_tensor *t = f ? hone__file_read(f, 0, hone__converts(options)) : NULL;
    hone_file_close(f);
    return t;
}

hone_tensor *hone_npy_load(const char *path)
{
    return hone_npy_load_with(path, NULL);
}

/* ---- mapping */

typedef struct {
    void *at;
    size_t bytes;
} mapping;

static void unmap(void *user, void *data)
{
    (void)data;
    mapping *m = user;
    munmap(m->at, m->bytes);
    hone__free(m);
}

static bool can_map(const hone_file *f)
{
    const hone__lie *lie = &f->lie[0];
    const bool as_it_is = lie->cell && lie->cell->kind == HONE__AS_IT_IS;
    if (f->at[0].ndim <= HONE_MAX_DIMS && as_it_is && !lie->swapped)
        return true;
    hone_error_set(
        HONE_E_DTYPE,
        "%s: %s is %s%s of %d dims: what hone has no dtype for, has another byte order or "
        "more than %d dims can't be mapped",
        f->where, f->path, lie->swapped ? "big-endian " : "", f->at[0].dtype, f->at[0].ndim,
        HONE_MAX_DIMS);
    return false;
}

/* The tensor over the pages of the file: private ones, so that nothing written comes into it. */
static hone_tensor *map_pages(const hone_file *f)
{
    const hone_file_entry *e = &f->at[0];
    const hone__lie *lie = &f->lie[0];
    const int64_t n = hone__file_numel(e->ndim, e->shape);
    mapping *m = hone__malloc(sizeof *m);
    if (!m)
        return NULL;
    m->bytes = (size_t)(e->offset + e->bytes);
    m->at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, f->fd, 0);
    if (m->at == MAP_FAILED) {
        hone_error_set(HONE_E_IO, "%s: can't map %s: %s", f->where, f->path, strerror(errno));
        hone__free(m);
        return NULL;
    }
    char *data = (char *)m->at + e->offset;
    if (!lie->stride)
        return hone__own(hone__wrap(f->where, lie->cell->dtype, e->ndim, e->shape, data, unmap, m));
    hone_tensor *all = hone__own(hone__wrap(f->where, lie->cell->dtype, 1, &n, data, unmap, m));
    return all ? hone__own(hone__alias(all, e->ndim, e->shape, lie->stride, 0)) : NULL;
}

hone_tensor *hone_npy_map(const char *path)
{
    hone_file *f = hone__file_open("npy_map", path, &hone__npy_format, NULL);
    hone_tensor *t = NULL;
    if (f && can_map(f)) {
        const size_t size = hone_dtype_size(f->lie[0].cell->dtype);
        const bool maps = f->at[0].bytes > 0 && f->at[0].offset % (int64_t)size == 0;
        t = maps ? map_pages(f) : hone__file_read(f, 0, HONE__CONVERT_NONE);
    }
    hone_file_close(f);
    return t;
}
