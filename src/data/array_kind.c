/* array_kind.c: numpy's arrays as data: npz with inputs and targets, npy with inputs (mapped, so that it may be
 * larger than memory) and another npy with targets. */
#include "core/core.h"
#include "data/kinds.h"

#include <hone/files.h>
#include <hone/ops.h>

#include <string.h>
#include <sys/stat.h>

static const char *const where = "source_open";

#define DRAWN_BYTES (INT64_C(1) << 30) /* larger inputs are cut in order, without a copy */

typedef struct {
    const char *x, *y, *x_test, *y_test, *targets;
    int task;
    double test;
} arguments;

enum { BY_DTYPE, CLASSES, NUMBERS };

#define ARG(field) offsetof(arguments, field)

static const hone__data_argument npz_table[] = {
    { "x", "NAME", "the inputs' array; default: x_train, x, X, data, images, inputs or arr_0",
      HONE__ARG_TEXT, ARG(x), 0, 0 },
    { "y", "NAME",
      "the targets', none for none; default: y_train, y, Y, labels, targets, target or arr_1",
      HONE__ARG_TEXT, ARG(y), 0, 0 },
    { "x_test", "NAME", "the test inputs'; default: x_test, or a part of x", HONE__ARG_TEXT,
      ARG(x_test), 0, 0 },
    { "y_test", "NAME", "the test targets'", HONE__ARG_TEXT, ARG(y_test), 0, 0 },
    { "task", "auto|classes|numbers", "what targets are; auto: whole numbers are classes",
      HONE__ARG_WORD, ARG(task), 0, 0 },
    { "test", "X", "the share that is for tests, where there are none [0.1]", HONE__ARG_REAL,
      ARG(test), 1e-9, 1 },
    { 0 },
};

static const hone__data_argument npy_table[] = {
    { "targets", "FILE.npy", "the targets; default: none", HONE__ARG_TEXT, ARG(targets), 0, 0 },
    { "task", "auto|classes|numbers", "what targets are; auto: whole numbers are classes",
      HONE__ARG_WORD, ARG(task), 0, 0 },
    { "test", "X", "the share that is for tests [0.1]", HONE__ARG_REAL, ARG(test), 1e-9, 1 },
    { 0 },
};

/* ---- targets */

/* i64 [n] of classes, f32 [n, m] of numbers; the highest class is counted. */
static hone_tensor *target_of(const hone__data_request *r, hone_tensor *y, hone_source *data)
{
    const arguments *a = r->arguments;
    const bool whole = !hone_dtype_is_float(hone_dtype_of(y));
    const bool column = hone_dim(y) == 2 && hone_size(y, 1) == 1;
    const bool classes = a->task == CLASSES || (a->task == BY_DTYPE && whole);
    if (classes && (!whole || (hone_dim(y) != 1 && !column))) {
        hone_error_set(HONE_E_FORMAT, "%s: %s: targets of %s can't be classes, one a sample", where,
                       r->path, hone__tensor_text(y).s);
        return NULL;
    }
    data->task = classes ? HONE_TASK_CLASSES : HONE_TASK_NUMBERS;
    if (!classes) {
        hone_tensor *flat = hone_dim(y) == 1 ? hone_reshape(y, hone_size(y, 0), 1) : y;
        return hone_to(hone_dim(flat) > 2 ? hone_flatten(flat, 1) : flat, HONE_F32);
    }
    y = hone_contiguous(hone_to(hone_reshape(y, hone_size(y, 0)), HONE_I64));
    const int64_t *label = y ? hone_data(y) : NULL;
    for (int64_t i = 0; label && i < hone_numel(y); i++) {
        if (label[i] < 0) {
            hone_error_set(HONE_E_FORMAT,
                           "%s: %s: the target of sample %lld is %lld (a class is 0 or more)",
                           where, r->path, (long long)i, (long long)label[i]);
            return NULL;
        }
        data->n_classes = label[i] + 1 > data->n_classes ? label[i] + 1 : data->n_classes;
    }
    return y;
}

static hone_status set_of(const hone__data_request *r, hone_tensor *x, hone_tensor *y,
                          hone_dataset *set, hone_source *data)
{
    if (!x || !y)
        return hone__error_last();
    if (hone_dim(x) < 1 ||
        (y != HONE_NONE && (hone_dim(y) < 1 || hone_size(y, 0) != hone_size(x, 0))))
        return hone_error_set(
            HONE_E_FORMAT,
            "%s: %s: inputs of %s and targets of %s: their first extents count the "
            "samples",
            where, r->path, hone__tensor_text(x).s,
            y == HONE_NONE ? "none" : hone__tensor_text(y).s);
    data->pictures = hone_dtype_of(x) == HONE_U8 && (hone_dim(x) == 3 || hone_dim(x) == 4);
    if (y != HONE_NONE && !(y = target_of(r, y, data)))
        return hone__error_last();
    return hone_dataset_from(x, y, set);
}

/* ---- a test set of the last samples, where a copy would be too much */

static hone_status cut_in_order(const hone__data_request *r, hone_dataset *all, double part,
                                hone_source *data)
{
    const int64_t n = hone_dataset_size(all);
    int64_t held = (int64_t)((double)n * (part > 0 ? part : 0.1) + 0.5);
    held = held < 1 ? 1 : held;
    hone_status status = HONE_OK;
    for (int i = 0; i < 2 && status == HONE_OK; i++) {
        const int64_t begin = i ? n - held : 0, end = i ? n : n - held;
        hone_tensor *x = hone_slice(all->x, 0, begin, end, 1);
        hone_tensor *y = all->y == HONE_NONE ? HONE_NONE : hone_slice(all->y, 0, begin, end, 1);
        if (i == 0 && (r->o.no_train || end == 0))
            continue;
        status =
            x && y ? hone_dataset_from(x, y, i ? &data->test : &data->train) : hone__error_last();
        if (status == HONE_OK && r->o.limit)
            status = hone_dataset_limit(i ? &data->test : &data->train, r->o.limit);
    }
    hone_dataset_free(all);
    return status;
}

static hone_status cut(const hone__data_request *r, hone_dataset *all, hone_source *data)
{
    const arguments *a = r->arguments;
    const int64_t bytes = hone_numel(all->x) * (int64_t)hone_dtype_size(hone_dtype_of(all->x));
    return bytes > DRAWN_BYTES && !r->o.whole ? cut_in_order(r, all, a->test, data)
                                              : hone__data_cut(r, all, a->test, data);
}

/* ---- npy */

static hone_tensor *map_or_load(const char *path)
{
    hone_tensor *t = hone_npy_map(path);
    if (t || hone_error_code() != HONE_E_DTYPE)
        return t;
    hone_error_clear();
    return hone_npy_load_with(path, &(hone_file_options){ .convert = true });
}

static hone_status open_npy(const hone__data_request *r, hone_source *data)
{
    const arguments *a = r->arguments;
    hone_dataset all;
    hone_tensor *x = map_or_load(r->path), *y = HONE_NONE;
    if (x && a->targets)
        y = hone_npy_load_with(a->targets, &(hone_file_options){ .convert = true });
    return set_of(r, x, y, &all, data) == HONE_OK ? cut(r, &all, data) : hone__error_last();
}

static bool knows_npy(const hone__data_look *look)
{
    return look->n_head > 6 && memcmp(look->head, "\x93NUMPY", 6) == 0;
}

const hone__data_kind hone__data_kind_npy = {
    .name = "npy",
    .form = "npy:FILE",
    .help = "an array of numpy, mapped; its first extent counts the samples",
    .arguments = npy_table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_npy,
    .open = open_npy,
};

/* ---- npz */

static bool has(hone_file_list list, const char *name)
{
    for (int i = 0; i < list.n; i++)
        if (strcmp(list.at[i].name, name) == 0)
            return true;
    return false;
}

/* The given name, or the first of the usual ones that is there; NULL: none is. */
static const char *choose(hone_file_list list, const char *given, const char *const *usual)
{
    if (given)
        return given;
    for (; *usual; usual++)
        if (has(list, *usual))
            return *usual;
    return NULL;
}

static hone_status no_array(const hone__data_request *r, hone_file_list list, const char *name)
{
    char all[300] = "";
    size_t used = 0;
    for (int i = 0; i < list.n && used < sizeof all - 60; i++)
        used += (size_t)hone__format(all + used, sizeof all - used, "%s%.50s", used ? ", " : "",
                                     list.at[i].name);
    return name ? hone_error_set(HONE_E_VALUE, "%s: %s has no array '%.80s'; it has %s", where,
                                 r->path, name, all)
                : hone_error_set(HONE_E_VALUE,
                                 "%s: %s: which array has the inputs? x=... says it; it has %s",
                                 where, r->path, all);
}

static hone_tensor *read_array(const hone_file *file, const char *name)
{
    return hone_file_read_with(file, name, &(hone_file_options){ .convert = true });
}

static hone_status read_pair(const hone__data_request *r, const hone_file *file, const char *x,
                             const char *y, hone_dataset *set, hone_source *data)
{
    return set_of(r, read_array(file, x), y ? read_array(file, y) : HONE_NONE, set, data);
}

static hone_status open_arrays(const hone__data_request *r, const hone_file *file,
                               hone_source *data)
{
    static const char *const xs[] = {
        "x_train", "x", "X", "data", "images", "inputs", "arr_0", NULL
    };
    static const char *const ys[] = { "y_train", "y",      "Y",     "labels",
                                      "targets", "target", "arr_1", NULL };
    static const char *const x_tests[] = { "x_test", NULL }, *const y_tests[] = { "y_test", NULL };
    const arguments *a = r->arguments;
    const hone_file_list list = hone_file_entries(file);
    const char *x = choose(list, a->x, xs), *y = choose(list, a->y, ys);
    const char *x_test = choose(list, a->x_test, x_tests),
               *y_test = choose(list, a->y_test, y_tests);
    const char *names[] = { x, y, x_test, y_test };
    if (y && strcmp(y, "none") == 0)
        names[1] = names[3] = y = y_test = NULL;
    for (int i = 0; i < 4; i++)
        if (names[i] ? !has(list, names[i]) : i == 0)
            return no_array(r, list, names[i]);
    if (!x_test) {
        hone_dataset all;
        return read_pair(r, file, x, y, &all, data) == HONE_OK ? cut(r, &all, data)
                                                               : hone__error_last();
    }
    hone_status status = HONE_OK;
    if (!r->o.no_train)
        status = read_pair(r, file, x, y, &data->train, data);
    if (status == HONE_OK)
        status = read_pair(r, file, x_test, y_test, &data->test, data);
    if (status == HONE_OK && r->o.limit && data->train.x)
        status = hone_dataset_limit(&data->train, r->o.limit);
    return status == HONE_OK && r->o.limit ? hone_dataset_limit(&data->test, r->o.limit) : status;
}

static hone_status open_npz(const hone__data_request *r, hone_source *data)
{
    hone_file *file = hone_file_open(r->path);
    if (!file)
        return hone__error_last();
    const hone_status status = open_arrays(r, file, data);
    hone_file_close(file);
    return status;
}

static bool knows_npz(const hone__data_look *look)
{
    const size_t n = strlen(look->path);
    return look->n_head > 4 && memcmp(look->head, "PK", 2) == 0 && n > 4 &&
           strcmp(look->path + n - 4, ".npz") == 0;
}

const hone__data_kind hone__data_kind_npz = {
    .name = "npz",
    .form = "npz:FILE",
    .help =
        "arrays of numpy, or the tensors of a safetensors file: inputs and targets by their names",
    .arguments = npz_table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_npz,
    .open = open_npz,
};
