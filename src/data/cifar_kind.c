/* cifar_kind.c: CIFAR-10 and CIFAR-100 in their binary form: records of a label (of CIFAR-100 the coarse and
 * the fine one) and 3072 bytes, the planes of red, green and blue. */
#include "core/core.h"
#include "data/kinds.h"
#include "runtime/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const where = "source_open";

enum { PIXELS = 3072, FILES = 5 };

typedef enum { FINE, COARSE } label_mode;

typedef struct {
    int labels, damaged;
} arguments;

static const hone__data_argument table[] = {
    { "labels", "fine|coarse", "of CIFAR-100: the 100 classes or the 20 groups", HONE__ARG_WORD,
      offsetof(arguments, labels), 0, 0 },
    { "damaged", "refuse|skip", "a record that is cut or whose label is out of range",
      HONE__ARG_WORD, offsetof(arguments, damaged), 0, 0 },
    { 0 },
};

/* ---- which files */

typedef struct {
    const char *file[FILES]; /* NULL ends them */
    bool hundred;
    const char *names, *coarse_names;
} layout;

static const layout ten[] = { { { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                  "data_batch_4.bin", "data_batch_5.bin" },
                                false,
                                "batches.meta.txt",
                                NULL },
                              { { "test_batch.bin" }, false, "batches.meta.txt", NULL } };
static const layout hundred[] = {
    { { "train.bin" }, true, "fine_label_names.txt", "coarse_label_names.txt" },
    { { "test.bin" }, true, "fine_label_names.txt", "coarse_label_names.txt" }
};

static bool join(char *to, const char *folder, const char *inner, const char *name)
{
    struct stat st;
    return hone__format(to, PATH_MAX, "%s%s/%s", folder, inner, name) < PATH_MAX &&
           stat(to, &st) == 0 && S_ISREG(st.st_mode);
}

/* The folder that has one of the layouts; NULL: none. */
static const layout *find(const char *path, char folder[PATH_MAX])
{
    static const char *const inner[] = { "", "/cifar-10-batches-bin", "/cifar-100-binary" };
    char file[PATH_MAX];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        hone__format(folder, PATH_MAX, "%s%s", path, inner[i]);
        if (join(file, folder, "", ten[1].file[0]) || join(file, folder, "", ten[0].file[0]))
            return ten;
        if (join(file, folder, "", hundred[1].names) && join(file, folder, "", hundred[1].file[0]))
            return hundred;
    }
    return NULL;
}

/* ---- records */

typedef struct {
    hone_tensor *x, *y;
    int64_t n, room;
} records;

/* Copies the good records of a file behind the others. */
static hone_status take_file(const hone__data_request *r, const char *path, bool is_hundred,
                             records *to, hone_source *data)
{
    const arguments *a = r->arguments;
    const int64_t size = PIXELS + 1 + is_hundred, label = is_hundred && a->labels == FINE;
    const int classes = !is_hundred ? 10 : a->labels == FINE ? 100 : 20;
    hone__blob *blob = hone__blob_map(where, path);
    if (!blob)
        return hone__error_last();
    const int64_t bytes = hone__blob_size(blob);
    hone_status status = HONE_OK;
    uint8_t *x = hone__data(to->x);
    int64_t *y = hone__data(to->y);
    for (int64_t at = 0; at < bytes && status == HONE_OK; at += size) {
        const uint8_t *record = hone__blob_at(blob) + at;
        const bool cut = bytes - at < size;
        const bool good = !cut && record[label] < classes;
        if (good && to->n == to->room) {
            status =
                hone_error_set(HONE_E_IO, "%s: %s became longer while it was read", where, path);
        } else if (good) {
            memcpy(x + to->n * PIXELS, record + size - PIXELS, PIXELS);
            y[to->n++] = record[label];
        } else if (a->damaged) {
            data->skipped++;
        } else if (cut) {
            status =
                hone_error_set(HONE_E_FORMAT,
                               "%s: %s is truncated: record %lld, at byte %lld, has %lld of %lld "
                               "bytes",
                               where, path, (long long)(at / size), (long long)at,
                               (long long)(bytes - at), (long long)size);
        } else {
            status = hone_error_set(
                HONE_E_FORMAT, "%s: %s: record %lld, at byte %lld: label %d (0 to %d are wanted)",
                where, path, (long long)(at / size), (long long)at, record[label], classes - 1);
        }
    }
    hone__blob_release(blob);
    return status;
}

static int64_t records_of(const char *path, bool is_hundred)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size / (PIXELS + 1 + is_hundred) : 0;
}

static hone_status read_files(const hone__data_request *r, const char *const *path, int n_paths,
                              bool is_hundred, hone_dataset *set, hone_source *data)
{
    HONE_SCOPE();
    records to = { 0 };
    for (int i = 0; i < n_paths; i++)
        to.room += records_of(path[i], is_hundred);
    to.x = hone__own(hone__new(where, HONE_U8, 4, (const int64_t[]){ to.room, 3, 32, 32 }));
    to.y = hone__own(hone__new(where, HONE_I64, 1, &to.room));
    if (!to.x || !to.y)
        return hone__error_last();
    for (int i = 0; i < n_paths; i++)
        if (take_file(r, path[i], is_hundred, &to, data) != HONE_OK)
            return hone__error_last();
    if (to.n == 0)
        return hone_error_set(HONE_E_FORMAT, "%s: %s has no record", where, path[0]);
    hone_status status = hone_dataset_from(to.x, to.y, set);
    const int64_t most = r->o.limit && r->o.limit < to.n ? r->o.limit : to.n;
    return status == HONE_OK ? hone_dataset_limit(set, most) : status;
}

static hone_status read_layout(const hone__data_request *r, const layout *l, const char *folder,
                               hone_dataset *set, hone_source *data)
{
    char path[FILES][PATH_MAX];
    const char *all[FILES];
    int n = 0;
    for (; n < FILES && l->file[n]; n++) {
        all[n] = path[n];
        if (!join(path[n], folder, "", l->file[n]))
            return hone_error_set(HONE_E_IO, "%s: there is no %s in %s", where, l->file[n], folder);
    }
    return read_files(r, all, n, l->hundred, set, data);
}

/* A name a line, as many as there are classes; a file that isn't there, or is another, gives none. */
static bool read_names(const char *path, int64_t n, hone_source *data)
{
    char line[200];
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
    const uint64_t errors = hone__error_count();
    const char **names = file ? hone__data_take(data, (size_t)n * sizeof *names) : NULL;
    int64_t i = 0;
    while (names && i < n && fgets(line, sizeof line, file)) {
        const size_t length = strcspn(line, "\r\n");
        if (length > 0 && !(names[i++] = hone__data_copy(data, line, length)))
            break;
    }
    if (file)
        fclose(file);
    if (names && i == n && names[n - 1])
        data->class_names = names;
    return hone__error_count() == errors;
}

static hone_status open_cifar(const hone__data_request *r, hone_source *data)
{
    const arguments *a = r->arguments;
    char folder[PATH_MAX], names[PATH_MAX];
    const layout *l = find(r->path, folder);
    struct stat st;
    data->task = HONE_TASK_CLASSES;
    data->pictures = true;
    data->n_classes = 10;
    if (!l && stat(r->path, &st) == 0 && S_ISREG(st.st_mode)) {
        const bool is_hundred = st.st_size % (PIXELS + 1) != 0 && st.st_size % (PIXELS + 2) == 0;
        data->n_classes = !is_hundred ? 10 : a->labels == FINE ? 100 : 20;
        hone_dataset all;
        return read_files(r, &r->path, 1, is_hundred, &all, data) == HONE_OK
                   ? hone__data_cut(r, &all, 0, data)
                   : hone__error_last();
    }
    if (!l)
        return hone_error_set(HONE_E_IO,
                              "%s: %s has neither test_batch.bin nor test.bin and "
                              "fine_label_names.txt",
                              where, r->path);
    data->n_classes = !l->hundred ? 10 : a->labels == FINE ? 100 : 20;
    if (!r->o.no_train && read_layout(r, &l[0], folder, &data->train, data) != HONE_OK)
        return hone__error_last();
    if (read_layout(r, &l[1], folder, &data->test, data) != HONE_OK)
        return hone__error_last();
    hone__format(names, sizeof names, "%s/%s", folder,
                 l->hundred && a->labels == COARSE ? l->coarse_names : l->names);
    return read_names(names, data->n_classes, data) ? HONE_OK : hone__error_last();
}

static bool knows_cifar(const hone__data_look *look)
{
    char folder[PATH_MAX];
    return look->folder && find(look->path, folder);
}

const hone__data_kind hone__data_kind_cifar = {
    .name = "cifar",
    .form = "cifar:DIR or cifar:FILE.bin",
    .help = "CIFAR-10 or CIFAR-100, binary version",
    .arguments = table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_cifar,
    .open = open_cifar,
};
