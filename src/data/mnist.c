/* mnist.c: finds and checks the four files of MNIST (or Fashion-MNIST, or another in its format).
 */
#include <hone/data.h>
#include "core/core.h"
#include "data/data.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES = 8 };

/* The i-th name that a file may have: DIR/NAME, DIR/MNIST/raw/NAME, with '-' or '.' before "idx",
 * gzipped or not. False: nothing is there. */
static bool name_of(int i, const char *dir, const char *set, const char *kind, char path[PATH_MAX])
{
    struct stat st;
    const int length =
        snprintf(path, PATH_MAX, "%s/%s%s-%.6s%c%s%s", dir, i & 4 ? "MNIST/raw/" : "", set, kind,
                 i & 2 ? '.' : '-', kind + 7, i & 1 ? ".gz" : "");
    return length < PATH_MAX && lstat(path, &st) == 0;
}

static void set_missing(const char *dir, const char *set, const char *kind)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        hone_error_set(HONE_E_IO, "mnist: can't open the directory %s: %s", dir, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        hone_error_set(HONE_E_IO, "mnist: %s is no directory", dir);
    else
        hone_error_set(HONE_E_IO, "mnist: there is no %s-%s or %s-%s.gz in %s or %s/MNIST/raw", set,
                       kind, set, kind, dir, dir);
}

/* The first file of those names that can be read, and its name. If none can, the error tells what
 * is wrong with each that is there. */
static hone_tensor *read_file(const char *dir, const char *set, const char *kind, int ndim,
                              char path[PATH_MAX])
{
    hone_status first = HONE_OK;
    char passed_over[480];
    size_t used = 0;
    for (int i = 0; i < NAMES; i++) {
        hone__idx_problem problem;
        if (!name_of(i, dir, set, kind, path))
            continue;
        hone_tensor *t = hone__idx_read("mnist", path, ndim, &problem);
        if (t || problem.code == HONE_OK)
            return t;
        if (used < sizeof passed_over)
            used += (size_t)hone__format(passed_over + used, sizeof passed_over - used, "%s%s",
                                         first == HONE_OK ? "" : "; ", problem.text);
        first = first == HONE_OK ? problem.code : first;
    }
    if (first == HONE_OK)
        set_missing(dir, set, kind);
    else
        hone_error_set(first, "mnist: %s", passed_over);
    return NULL;
}

/* u8 labels [n] -> i64 [n] */
static hone_tensor *labels_to_i64(const char *path, const hone_tensor *labels)
{
    hone_tensor *y = hone__own(hone__new("mnist", HONE_I64, 1, labels->shape));
    if (!y)
        return NULL;
    const uint8_t *from = hone__data(labels);
    int64_t *to = hone__data(y);
    for (int64_t i = 0; i < labels->numel; i++) {
        if (from[i] > 9) {
            hone_error_set(HONE_E_FORMAT, "mnist: %s: label %lld is %d (0 to 9 are wanted)", path,
                           (long long)i, from[i]);
            return NULL;
        }
        to[i] = from[i];
    }
    return y;
}

hone_status hone_mnist(const char *dir, hone_subset subset, hone_dataset *set)
{
    if (!set)
        return hone__error_missing("mnist", "a data set");
    *set = (hone_dataset){ 0 };
    if (!dir)
        return hone_error_set(HONE_E_NULL, "mnist: the directory is NULL");
    if (subset != HONE_TRAIN && subset != HONE_TEST)
        return hone_error_set(HONE_E_VALUE, "mnist: subset %d (HONE_TRAIN or HONE_TEST is wanted)",
                              (int)subset);
    const char *name = subset == HONE_TRAIN ? "train" : "t10k";
    char images_path[PATH_MAX], labels_path[PATH_MAX];
    HONE_SCOPE();
    hone_tensor *labels = read_file(dir, name, "labels-idx1-ubyte", 1, labels_path);
    hone_tensor *x = labels ? read_file(dir, name, "images-idx3-ubyte", 3, images_path) : NULL;
    if (!x)
        return hone__error_last();
    if (x->shape[0] != labels->shape[0])
        return hone_error_set(HONE_E_FORMAT, "mnist: %s has %lld images, but %s has %lld labels",
                              images_path, (long long)x->shape[0], labels_path,
                              (long long)labels->shape[0]);
    hone_tensor *y = labels_to_i64(labels_path, labels);
    return y ? hone_dataset_from(x, y, set) : hone__error_last();
}
