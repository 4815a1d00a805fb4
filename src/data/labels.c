/* labels.c: the classes of a set's samples, at the least cost that its kind allows. */
#include "core/core.h"
#include "data/image_set.h"
#include "data/order.h"
#include "data/view.h"
#include "runtime/memory.h"

#include <hone/ops.h>

static bool refuse(const char *where, const hone_sample_field *y)
{
    hone_error_set(HONE_E_DTYPE, "%s: classes in i64, one a sample, are wanted, but y is %s %s",
                   where, hone_dtype_name(y->dtype), hone__shape_text(y->ndim, y->shape).s);
    return false;
}

static bool labels_of_tensor(const hone_dataset *set, int64_t *label)
{
    HONE_SCOPE();
    return hone_copy_out(set->y, label, (size_t)hone_numel(set->y) * sizeof *label) == HONE_OK;
}

/* By reading every sample. */
static bool labels_by_reading(const hone_dataset *set, const hone_sample_layout *l, int64_t *label)
{
    const int64_t n = hone_dataset_size(set);
    void *out[HONE_SAMPLE_FIELDS] = { NULL };
    bool done = true;
    for (int f = 0; f < l->n && done; f++) {
        int64_t elements = 1;
        for (int d = 0; d < l->field[f].ndim; d++)
            elements *= l->field[f].shape[d];
        out[f] = hone__malloc(hone__bytes(elements, hone_dtype_size(l->field[f].dtype)) + 1);
        done = out[f] != NULL;
    }
    for (int64_t i = 0; i < n && done; i++) {
        const hone_sample_place place = { .index = i };
        done = hone_dataset_read(set, &place, out) == HONE_OK;
        label[i] = done ? *(const int64_t *)out[l->n - l->n_targets] : 0;
    }
    for (int f = 0; f < l->n; f++)
        hone__free(out[f]);
    return done;
}

bool hone__labels(const char *where, const hone_dataset *set, int64_t *label)
{
    const int64_t n = hone_dataset_size(set);
    hone_sample_layout l;
    if (hone__images_is(set)) {
        for (int64_t i = 0; i < n; i++)
            label[i] = hone__images_label(set, i);
        return true;
    }
    const hone_dataset *below = hone__view_below(set);
    if (below) {
        const int64_t m = hone_dataset_size(below);
        int64_t *all = hone__malloc(hone__bytes(m, sizeof *all));
        const bool done = all && hone__labels(where, below, all);
        for (int64_t i = 0; done && i < n; i++)
            label[i] = all[hone__view_index(set, i)];
        hone__free(all);
        return done;
    }
    if (hone_dataset_layout(set, -1, &l) != HONE_OK)
        return false;
    const hone_sample_field *y = &l.field[l.n - (l.n_targets > 0 ? l.n_targets : 1)];
    if (l.n_targets == 0 || y->dtype != HONE_I64 || y->ndim != 0)
        return refuse(where, y);
    if (!set->type)
        return labels_of_tensor(set, label);
    for (int f = 0; f < l.n; f++)
        for (int d = 0; d < l.field[f].ndim; d++)
            if (l.field[f].shape[d] < 0) {
                hone_error_set(HONE_E_SHAPE,
                               "%s: the classes of %s can't be told without its samples, whose "
                               "extents differ",
                               where, set->type->name);
                return false;
            }
    return labels_by_reading(set, &l, label);
}
