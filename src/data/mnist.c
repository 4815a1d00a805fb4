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
#include <unistd.h>

/* The file among DIR/NAME, DIR/MNIST/raw/NAME, with '-' or '.' before "idx", gzipped or not; the
 * first that is there. */
static bool find_file(const char *dir, const char *set, const char *kind, char path[PATH_MAX])
{
    static const char *const places[] = { "", "MNIST/raw/" };
    static const char *const ends[] = { "", ".gz" };
    for (int place = 0; place < 2; place++) {
        for (int i = 0; i < 4; i++) {
            const char *end = ends[i & 1];
            const char dash = i & 2 ? '.' : '-';
            const int length = snprintf(path, PATH_MAX, "%s/%s%s-%.6s%c%s%s", dir, places[place],
                                        set, kind, dash, kind + 7, end);
            if (length < PATH_MAX && access(path, F_OK) == 0)
                return true;
        }
    }
    struct stat st;
    if (stat(dir, &st) != 0)
        hone_error_set(HONE_E_IO, "mnist: can't open the directory %s: %s", dir, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        hone_error_set(HONE_E_IO, "mnist: %s is no directory", dir);
    else
        hone_error_set(HONE_E_IO, "mnist: there is no %s-%s or %s-%s.gz in %s or %s/MNIST/raw", set,
                       kind, set, kind, dir, dir);
    return false;
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
    if (!find_file(dir, name, "images-idx3-ubyte", images_path) ||
        !find_file(dir, name, "labels-idx1-ubyte", labels_path))
        return HONE_E_IO;
    HONE_SCOPE();
    hone_tensor *labels = hone__idx_read("mnist", labels_path, 1);
    hone_tensor *x = labels ? hone__idx_read("mnist", images_path, 3) : NULL;
    if (!x)
        return hone_error_code();
    if (x->shape[0] != labels->shape[0])
        return hone_error_set(HONE_E_FORMAT, "mnist: %s has %lld images, but %s has %lld labels",
                              images_path, (long long)x->shape[0], labels_path,
                              (long long)labels->shape[0]);
    hone_tensor *y = labels_to_i64(labels_path, labels);
    return y ? hone_dataset_from(x, y, set) : hone_error_code();
}
