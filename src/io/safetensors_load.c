/* safetensors_load.c: nothing in a file is believed before it is checked. */
#include "core/core.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors data is little-endian");

#define HEADER_MOST (100 << 20) /* as the format's own reader */
#define METADATA    "__metadata__"

static const char *const dtype_names[HONE_DTYPES] = {
    [HONE_F32] = "F32", [HONE_F64] = "F64", [HONE_I64] = "I64",
    [HONE_I32] = "I32", [HONE_U8] = "U8",   [HONE_BOOL] = "BOOL",
};

const char *hone__entry_dtype_name(hone_dtype dtype)
{
    return (unsigned)dtype < HONE_DTYPES ? dtype_names[dtype] : "?";
}

static bool bad(const hone__tensor_file *f, const char *what)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid safetensors file: %s", f->where, f->path,
                   what);
    return false;
}

static bool bad_entry(const hone__tensor_file *f, const hone__entry *e, const char *what)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid safetensors file: \"%s\" %s", f->where,
                   f->path, e->name, what);
    return false;
}

/* ---- the header's text */

/* Upper bounds of how many tensors and metadata strings there are: a tensor has an object of its
 * own and at least 40 bytes, a metadata string and its key 4 quotes. */
static void count_members(const char *text, int64_t bytes, size_t *tensors, size_t *strings)
{
    size_t objects = 0, quotes = 0;
    for (int64_t i = 0; i < bytes; i++) {
        objects += text[i] == '{';
        quotes += text[i] == '"';
    }
    const size_t room = (size_t)bytes / 40 + 1;
    *tensors = objects < room ? objects : room;
    *strings = quotes / 4;
}

static bool read_metadata(hone__tensor_file *f, hone__json *j)
{
    bool first = true;
    if (f->metadata.n > 0)
        return bad(f, "its metadata is there twice");
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        hone__json_take(j, ':');
        const char *value = hone__json_string(j);
        if (!j->problem)
            f->metadata.at[f->metadata.n++] = (hone_metadata){ key, value };
    }
    return !j->problem;
}

static bool read_dtype(const hone__tensor_file *f, hone__json *j, hone__entry *e)
{
    const char *name = hone__json_string(j);
    for (int d = 0; name && d < HONE_DTYPES; d++) {
        if (strcmp(name, dtype_names[d]) == 0) {
            e->dtype = (hone_dtype)d;
            return true;
        }
    }
    if (name)
        hone_error_set(HONE_E_DTYPE, "%s: %s: \"%s\" has dtype %.32s, which isn't supported",
                       f->where, f->path, e->name, name);
    return false;
}

/* At most `most` numbers in brackets; how many, or -1. */
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
    return j->problem || n > most ? -1 : n;
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, in any order. */
static bool read_entry(const hone__tensor_file *f, hone__json *j, hone__entry *e)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
    bool first = true;
    int seen = 0;
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        if (!key || !hone__json_take(j, ':'))
            return false;
        const int which = strcmp(key, "dtype") == 0          ? DTYPE
                          : strcmp(key, "shape") == 0        ? SHAPE
                          : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                             : 0;
        if (!which || seen & which)
            return bad_entry(f, e, "has an unknown or repeated field");
        seen |= which;
        int64_t offsets[2];
        if (which == DTYPE && !read_dtype(f, j, e))
            return false;
        if (which == SHAPE && (e->ndim = read_numbers(j, e->shape, HONE_MAX_DIMS)) < 0)
            return j->problem ? false : bad_entry(f, e, "has more than 8 dims");
        if (which == OFFSETS) {
            if (read_numbers(j, offsets, 2) != 2)
                return j->problem ? false : bad_entry(f, e, "hasn't two data_offsets");
            e->begin = offsets[0];
            e->end = offsets[1];
        }
    }
    if (!j->problem && seen != ALL)
        return bad_entry(f, e, "lacks dtype, shape or data_offsets");
    return !j->problem;
}

static bool read_header(hone__tensor_file *f, char *text, int64_t bytes)
{
    size_t tensors, strings;
    count_members(text, bytes, &tensors, &strings);
    f->at = hone__own_block(hone__calloc(hone__bytes((int64_t)tensors + 1, sizeof *f->at)));
    f->metadata.at =
        hone__own_block(hone__calloc(hone__bytes((int64_t)strings + 1, sizeof *f->metadata.at)));
    if (!f->at || !f->metadata.at)
        return false;
    hone__json j = { text, text + bytes, NULL };
    bool first = true, ok = text[0] == '{' ? hone__json_take(&j, '{') : bad(f, "no '{' begins it");
    while (ok && hone__json_more(&j, '}', &first)) {
        const char *name = hone__json_string(&j);
        if (!name || !hone__json_take(&j, ':'))
            break;
        if (strcmp(name, METADATA) == 0) {
            ok = read_metadata(f, &j);
        } else {
            f->at[f->n].name = name;
            ok = read_entry(f, &j, &f->at[f->n]);
            f->n++;
        }
    }
    if (j.problem || (ok && !hone__json_ends(&j)))
        return bad(f, j.problem);
    return ok;
}

/* ---- what the entries say */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hone__entry *)a)->name, ((const hone__entry *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const hone__entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool size_fits(const hone__tensor_file *f, const hone__entry *e)
{
    int64_t bytes = (int64_t)hone_dtype_size(e->dtype);
    bool overflow = false;
    for (int d = 0; d < e->ndim; d++) /* a 0 ends all growth, so it goes first */
        bytes = e->shape[d] == 0 ? 0 : bytes;
    for (int d = 0; d < e->ndim; d++)
        overflow = overflow || !hone__times(bytes, e->shape[d], &bytes);
    if (overflow)
        return bad_entry(f, e, "has a shape that is too large");
    if (e->begin > e->end || e->end - e->begin != bytes)
        return bad_entry(f, e, "has data_offsets that don't fit its shape and dtype");
    return true;
}

/* Every name once, every byte of the data in one tensor. */
static bool entries_fit(hone__tensor_file *f, int64_t data_bytes)
{
    qsort(f->at, (size_t)f->n, sizeof *f->at, by_name);
    for (int i = 0; i < f->n; i++) {
        if (i > 0 && strcmp(f->at[i - 1].name, f->at[i].name) == 0)
            return bad_entry(f, &f->at[i], "is there twice");
        if (!size_fits(f, &f->at[i]))
            return false;
    }
    qsort(f->at, (size_t)f->n, sizeof *f->at, by_place);
    int64_t at = 0;
    for (int i = 0; i < f->n; i++) {
        if (f->at[i].end > data_bytes)
            return bad_entry(f, &f->at[i], "ends after the file: it is truncated");
        if (f->at[i].begin != at)
            return bad_entry(f, &f->at[i],
                             f->at[i].begin < at ? "overlaps another tensor" : "follows a gap");
        at = f->at[i].end;
    }
    return at == data_bytes ? true : bad(f, "there are bytes after its last tensor");
}

/* ---- the file */

static bool read_at(const hone__tensor_file *f, void *data, int64_t bytes, int64_t place)
{
    char *at = data;
    while (bytes > 0) {
        const ssize_t n = pread(f->fd, at, bytes < 1 << 30 ? (size_t)bytes : 1u << 30, place);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return bad(f, "it is truncated");
        if (n < 0) {
            hone_error_set(HONE_E_IO, "%s: can't read %s: %s", f->where, f->path, strerror(errno));
            return false;
        }
        at += n;
        place += n;
        bytes -= n;
    }
    return true;
}

static bool open_file(hone__tensor_file *f, int64_t *file_bytes)
{
    struct stat st;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    int error = f->fd < 0 || fstat(f->fd, &st) != 0 ? errno : 0;
    if (!error && S_ISDIR(st.st_mode))
        error = EISDIR;
    if (error) {
        hone_error_set(HONE_E_IO, "%s: can't open %s: %s", f->where, f->path, strerror(error));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", f->where, f->path);
        return false;
    }
    *file_bytes = st.st_size;
    return true;
}

static bool read_file(hone__tensor_file *f)
{
    int64_t file_bytes, header_bytes;
    if (!open_file(f, &file_bytes))
        return false;
    if (file_bytes < 8)
        return bad(f, "it is shorter than 8 bytes");
    if (!read_at(f, &header_bytes, 8, 0))
        return false;
    if (header_bytes < 2 || header_bytes > HEADER_MOST || header_bytes > file_bytes - 8)
        return bad(f, "its header's length doesn't fit the file");
    char *text = hone__own_block(hone__malloc((size_t)header_bytes));
    f->header_end = 8 + header_bytes;
    return text && read_at(f, text, header_bytes, 8) && read_header(f, text, header_bytes) &&
           entries_fit(f, file_bytes - f->header_end);
}

bool hone__tensor_file_open(const char *where, const char *path, hone__tensor_file *f)
{
    *f = (hone__tensor_file){ .where = where, .path = path, .fd = -1 };
    if (!path) {
        hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
        return false;
    }
    if (read_file(f))
        return true;
    hone__tensor_file_close(f);
    return false;
}

void hone__tensor_file_close(hone__tensor_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

hone_tensor *hone__tensor_file_read(const hone__tensor_file *f, const hone__entry *e)
{
    hone_tensor *t = hone__own(hone__new(f->where, e->dtype, e->ndim, e->shape));
    if (!t || !read_at(f, hone__data(t), e->end - e->begin, f->header_end + e->begin))
        return NULL;
    const uint8_t *bytes = hone__data(t);
    for (int64_t i = 0; e->dtype == HONE_BOOL && i < t->numel; i++) {
        if (bytes[i] > 1) {
            bad_entry(f, e, "is BOOL but has bytes that are not 0 or 1");
            return NULL;
        }
    }
    return t;
}

hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata)
{
    const hone_named_list failed = { NULL, 0 };
    hone__tensor_file f;
    if (metadata)
        *metadata = (hone_metadata_list){ NULL, 0 };
    if (!hone__ready() || !hone__tensor_file_open("safetensors_load", path, &f))
        return failed;
    hone_named_list list = {
        hone__own_block(hone__malloc(hone__bytes((int64_t)f.n + 1, sizeof *list.at))), f.n
    };
    bool ok = list.at != NULL;
    for (int i = 0; ok && i < f.n; i++) {
        list.at[i] = (hone_named){ f.at[i].name, hone__tensor_file_read(&f, &f.at[i]) };
        ok = list.at[i].tensor != NULL;
    }
    hone__tensor_file_close(&f);
    if (ok && metadata)
        *metadata = f.metadata;
    return ok ? list : failed;
}
