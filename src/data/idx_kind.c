/* idx_kind.c: directories of IDX files: MNIST and its kin, by their own names, and others by the parts that
 * these have: what stands before "images" and "labels" tells set and subset.
 *
 * QMNIST's labels are int32, eight a sample, the class first. EMNIST's pictures lie turned, and its letters
 * are counted from 1: they come out upright, and from 0. */
#include "core/core.h"
#include "data/kinds.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const where = "source_open";

/* Files without gzip that are larger than this are mapped, not read. */
#define READ_BYTES (INT64_C(256) << 20)

typedef struct {
    const char *which;
    int64_t mapped; /* files from so many bytes on are mapped; 0: READ_BYTES */
} arguments;

static const hone__data_argument table[] = {
    { "which", "TEXT",
      "of several sets in a directory the one whose files' names have this in them", HONE__ARG_TEXT,
      offsetof(arguments, which), 0, 0 },
    { "mapped", "BYTES", "files of so many bytes aren't read, but mapped [268435456]",
      HONE__ARG_INT, offsetof(arguments, mapped), 1, 1e18 },
    { 0 },
};

/* ---- the files of a directory */

typedef struct {
    char images[PATH_MAX], labels[PATH_MAX]; /* "" : there are none */
    char prefix[256];                        /* what is before "images" in the name */
} pair;

/* Where "images" or "labels" begins in such a file's name; NULL: it is none. */
static const char *kind_in(const char *name, const char *kind)
{
    const char *at = strstr(name, kind);
    const char *idx = at ? at + strlen(kind) : NULL;
    return idx && (strncmp(idx, "-idx", 4) == 0 || strncmp(idx, ".idx", 4) == 0) ? at : NULL;
}

static bool is_of(const char *prefix, hone_subset subset)
{
    const bool test = strstr(prefix, "test") || strstr(prefix, "t10k");
    return subset == HONE_TEST ? test : !test && strstr(prefix, "train");
}

static hone_status several(const hone__data_request *r, const char *a, const char *b)
{
    return hone_error_set(HONE_E_VALUE,
                          "%s: %s has several sets: %s and %s; which=... tells them apart", where,
                          r->path, a, b);
}

/* Adds what is in a folder to the pair; a folder that isn't there has nothing. */
static hone_status look_in(const hone__data_request *r, const char *folder, hone_subset subset,
                           pair *p)
{
    const arguments *a = r->arguments;
    DIR *dir = opendir(folder);
    hone_status status = HONE_OK;
    for (struct dirent *e; dir && status == HONE_OK && (e = readdir(dir));) {
        const char *image = kind_in(e->d_name, "images"), *label = kind_in(e->d_name, "labels");
        const char *at = image ? image : label;
        char prefix[256];
        if (!at || (a->which && !strstr(e->d_name, a->which)))
            continue;
        hone__format(prefix, sizeof prefix, "%.*s", (int)(at - e->d_name), e->d_name);
        if (!is_of(prefix, subset))
            continue;
        if (p->prefix[0] && strcmp(p->prefix, prefix) != 0) {
            status = several(r, p->prefix, prefix);
            break;
        }
        memcpy(p->prefix, prefix, sizeof prefix);
        char *to = image ? p->images : p->labels;
        /* of a file and its gzipped twin the first by name, whatever the directory's order */
        if (!*to || strcmp(strrchr(to, '/') + 1, e->d_name) > 0)
            hone__format(to, PATH_MAX, "%s/%s", folder, e->d_name);
    }
    if (dir)
        closedir(dir);
    return status;
}

static hone_status find_pair(const hone__data_request *r, hone_subset subset, pair *p)
{
    static const char *const folders[] = {
        "", "/MNIST/raw", "/QMNIST/raw", "/EMNIST/raw", "/KMNIST/raw", "/FashionMNIST/raw", "/raw"
    };
    *p = (pair){ 0 };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[PATH_MAX];
        if (hone__format(folder, sizeof folder, "%s%s", r->path, folders[i]) >= PATH_MAX)
            continue;
        if (look_in(r, folder, subset, p) != HONE_OK)
            return hone__error_last();
        if (p->images[0])
            return HONE_OK;
    }
    return HONE_OK;
}

/* ---- what lies in them */

/* Of a file that isn't gzipped and is to be mapped, what its header says. */
typedef struct {
    hone__blob *blob; /* NULL: read it */
    hone__raw raw;
    int ndim;
    int64_t shape[HONE_MAX_DIMS], first;
} header;

static hone_status map_file(const hone__data_request *r, const char *path, header *h)
{
    static const struct {
        uint8_t code, type;
    } types[] = { { 0x08, HONE__RAW_U8 },  { 0x09, HONE__RAW_I8 },  { 0x0B, HONE__RAW_I16 },
                  { 0x0C, HONE__RAW_I32 }, { 0x0D, HONE__RAW_F32 }, { 0x0E, HONE__RAW_F64 } };
    const arguments *a = r->arguments;
    struct stat st;
    const int64_t most = a->mapped ? a->mapped : READ_BYTES;
    *h = (header){ 0 };
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < most || st.st_size < 8)
        return HONE_OK;
    hone__blob *blob = hone__blob_map(where, path);
    if (!blob)
        return hone__error_last();
    const uint8_t *at = hone__blob_at(blob);
    int type = -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (at[2] == types[i].code)
            type = types[i].type;
    h->ndim = at[3];
    h->first = 4 + 4 * h->ndim;
    const bool known = !at[0] && !at[1] && type >= 0 && h->ndim >= 1 && h->ndim <= HONE_MAX_DIMS &&
                       h->first <= hone__blob_size(blob);
    int64_t bytes = known ? hone__raw_bytes((hone__raw_type)type) : 0;
    bool fits = known;
    for (int d = 0; fits && d < h->ndim; d++) {
        const uint8_t *e = at + 4 + 4 * d;
        h->shape[d] =
            (int64_t)e[0] << 24 | (int64_t)e[1] << 16 | (int64_t)e[2] << 8 | (int64_t)e[3];
        fits = hone__times(bytes, h->shape[d], &bytes);
    }
    if (!known || (fits && bytes + h->first != hone__blob_size(blob)) || !fits) {
        hone__blob_release(blob);
        if (!known) { /* gzipped, or wrong: the reader says what */
            *h = (header){ 0 };
            return HONE_OK;
        }
        return hone_error_set(HONE_E_FORMAT, "%s: %s: %s elements don't fit its %lld bytes", where,
                              path, hone__shape_text(h->ndim, h->shape).s, (long long)st.st_size);
    }
    h->raw = (hone__raw){ (hone__raw_type)type, true };
    h->blob = blob;
    return HONE_OK;
}

/* A file's tensor as a blob: u8, or what IDX's other types become. */
static hone_status read_file(const char *path, header *h)
{
    HONE_SCOPE();
    hone_tensor *t = hone_idx_read(path);
    if (!t)
        return hone__error_last();
    if (t->ndim < 1)
        return hone_error_set(HONE_E_FORMAT, "%s: %s has no dims: samples are wanted", where, path);
    const hone_dtype dtype = hone_dtype_of(t);
    h->raw.type = dtype == HONE_U8    ? HONE__RAW_U8
                  : dtype == HONE_I32 ? HONE__RAW_I32
                  : dtype == HONE_F32 ? HONE__RAW_F32
                                      : HONE__RAW_F64;
    h->ndim = t->ndim;
    memcpy(h->shape, t->shape, sizeof h->shape);
    const int64_t bytes = t->numel * (int64_t)hone_dtype_size(dtype);
    h->blob = hone__blob_new(bytes);
    if (!h->blob)
        return hone__error_last();
    if (bytes > 0)
        memcpy(hone__blob_fill(h->blob), hone__data(t), (size_t)bytes);
    return HONE_OK;
}

static hone_status open_file(const hone__data_request *r, const char *path, header *h)
{
    if (map_file(r, path, h) != HONE_OK)
        return hone__error_last();
    return h->blob ? HONE_OK : read_file(path, h);
}

/* The field of samples that a file holds. */
static hone__record_field field_of(const header *h, const char *name, hone_dtype dtype)
{
    hone__record_field f = { .name = name,
                             .blob = h->blob,
                             .raw = h->raw,
                             .first = h->first,
                             .step = hone__raw_bytes(h->raw.type),
                             .dtype = dtype,
                             .ndim = h->ndim - 1 };
    for (int d = 1; d < h->ndim; d++) {
        f.shape[d - 1] = h->shape[d];
        f.step *= h->shape[d];
    }
    return f;
}

static hone_dtype dtype_of(hone__raw raw)
{
    return raw.type == HONE__RAW_U8    ? HONE_U8
           : raw.type == HONE__RAW_F32 ? HONE_F32
           : raw.type == HONE__RAW_F64 ? HONE_F64
                                       : HONE_I32;
}

/* The highest class of the labels. */
static int64_t highest(const hone__record_field *f, int64_t n)
{
    int64_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t label;
        hone__raw_convert(f->raw, hone__blob_at(f->blob) + f->first + i * f->step, 1, HONE_I64, 1,
                          &label);
        most = label > most ? label : most;
    }
    return most;
}

/* ---- a pair as a set */

static hone_status set_of(const hone__data_request *r, const pair *p, hone_dataset *set,
                          hone_source *data)
{
    header x = { 0 }, y = { 0 };
    const bool letters = strstr(p->prefix, "letters") != NULL;
    const char *path = hone__data_copy(data, p->labels[0] ? p->labels : p->images, PATH_MAX - 1);
    hone_status status = path ? open_file(r, p->images, &x) : hone__error_last();
    if (status == HONE_OK && p->labels[0])
        status = open_file(r, p->labels, &y);
    if (status == HONE_OK) {
        hone__record_field field[2] = { field_of(&x, "x", dtype_of(x.raw)) };
        field[0].turned = x.ndim == 3 && strstr(p->prefix, "emnist") != NULL;
        data->pictures = x.raw.type == HONE__RAW_U8 && (x.ndim == 3 || x.ndim == 4);
        int64_t n = x.shape[0];
        if (y.blob && (y.shape[0] != n || y.ndim > 2 || (y.ndim == 2 && y.shape[1] < 1) ||
                       dtype_of(y.raw) == HONE_F32 || dtype_of(y.raw) == HONE_F64)) {
            status = hone_error_set(HONE_E_FORMAT, "%s: %s holds %lld samples, but %s labels of %s",
                                    where, p->images, (long long)n, p->labels,
                                    hone__shape_text(y.ndim, y.shape).s);
        } else if (y.blob) {
            field[1] = field_of(&y, "label", HONE_I64);
            field[1].ndim = 0; /* of several numbers the first */
            field[1].plus = letters ? -1 : 0;
            const int64_t top = highest(&field[1], n) + field[1].plus + 1;
            data->n_classes = top > data->n_classes ? top : data->n_classes;
            field[1].most = data->n_classes > 1 ? data->n_classes - 1 : 1;
            data->task = HONE_TASK_CLASSES;
        }
        if (status == HONE_OK && r->o.limit && r->o.limit < n)
            n = r->o.limit;
        if (status == HONE_OK)
            status =
                hone__dataset_records(where, path, n, field, y.blob ? 2 : 1, y.blob != NULL, set);
    }
    hone__blob_release(x.blob);
    hone__blob_release(y.blob);
    return status;
}

static hone_status of_pairs(const hone__data_request *r, const pair *train, const pair *test,
                            hone_source *data)
{
    static const char *const letters[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                           "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                           "s", "t", "u", "v", "w", "x", "y", "z" };
    hone_status status = HONE_OK;
    if (!r->o.no_train && train->images[0])
        status = set_of(r, train, &data->train, data);
    if (status == HONE_OK && test->images[0])
        status = set_of(r, test, &data->test, data);
    if (status == HONE_OK && strstr(test->images[0] ? test->prefix : train->prefix, "letters") &&
        data->n_classes <= 26) {
        data->n_classes = 26;
        data->class_names = letters;
    }
    return status;
}

/* ---- MNIST itself */

static hone_status of_mnist(const hone__data_request *r, hone_source *data)
{
    data->task = HONE_TASK_CLASSES;
    data->n_classes = 10;
    data->pictures = true;
    hone_status status = HONE_OK;
    if (!r->o.no_train)
        status = hone_mnist(r->path, HONE_TRAIN, &data->train);
    if (status == HONE_OK)
        status = hone_mnist(r->path, HONE_TEST, &data->test);
    if (status == HONE_OK && r->o.limit && data->train.x)
        status = hone_dataset_limit(&data->train, r->o.limit);
    return status == HONE_OK && r->o.limit ? hone_dataset_limit(&data->test, r->o.limit) : status;
}

static hone_status open_idx(const hone__data_request *r, hone_source *data)
{
    const arguments *a = r->arguments;
    pair train, test;
    if (find_pair(r, HONE_TRAIN, &train) != HONE_OK || find_pair(r, HONE_TEST, &test) != HONE_OK)
        return hone__error_last();
    const bool none = !train.images[0] && !test.images[0];
    const bool own = strcmp(train.prefix, "train-") == 0 || strcmp(test.prefix, "t10k-") == 0;
    if (none || (own && !a->mapped))
        return of_mnist(r, data);
    return of_pairs(r, &train, &test, data);
}

static bool knows_idx(const hone__data_look *look)
{
    return look->folder;
}

const hone__data_kind hone__data_kind_idx = {
    .name = "idx",
    .form = "idx:DIR",
    .help = "MNIST's four files, or those of QMNIST, EMNIST or another set in its format",
    .arguments = table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_idx,
    .open = open_idx,
};
