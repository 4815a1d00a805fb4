/* tensors.c: sets in memory of more tensors than an x and a y. */
#include "core/core.h"
#include "data/data.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

typedef struct {
    hone_tensor *at[HONE_SAMPLE_FIELDS]; /* contiguous */
    int n, n_targets;
} tensors;

static int64_t tensors_size(const hone_dataset *set)
{
    const tensors *t = set->state;
    return t->at[0]->shape[0];
}

static hone_status tensors_layout(const hone_dataset *set, int64_t index,
                                  hone_sample_layout *layout)
{
    static const char *const inputs[] = { "x", "x1", "x2", "x3", "x4", "x5", "x6", "x7" };
    static const char *const targets[] = { "y", "y1", "y2", "y3", "y4", "y5", "y6", "y7" };
    const tensors *t = set->state;
    (void)index;
    layout->n = t->n;
    layout->n_targets = t->n_targets;
    for (int f = 0; f < t->n; f++) {
        hone_sample_field *field = &layout->field[f];
        const int n_inputs = t->n - t->n_targets;
        field->name = f < n_inputs ? inputs[f] : targets[f - n_inputs];
        field->dtype = (hone_dtype)t->at[f]->dtype;
        field->ndim = t->at[f]->ndim - 1;
        memcpy(field->shape, t->at[f]->shape + 1, (size_t)field->ndim * sizeof *field->shape);
    }
    return HONE_OK;
}

static hone_status tensors_read(const hone_dataset *set, const hone_sample_place *place,
                                void *const *out)
{
    const tensors *t = set->state;
    for (int f = 0; f < t->n; f++) {
        const hone_tensor *from = t->at[f];
        const size_t bytes = (size_t)(from->numel / from->shape[0]) * hone__size_of(from->dtype);
        if (bytes > 0)
            memcpy(out[f], (const char *)hone__data(from) + (size_t)place->index * bytes, bytes);
    }
    return HONE_OK;
}

static void tensors_destroy(hone_dataset *set)
{
    tensors *t = set->state;
    for (int f = 0; f < t->n; f++)
        hone_release(t->at[f]);
    hone__free(t);
}

static const hone_dataset_class tensors_class = { .name = "tensors",
                                                  .size = tensors_size,
                                                  .destroy = tensors_destroy,
                                                  .layout = tensors_layout,
                                                  .read = tensors_read };

hone_status hone_dataset_tensors(hone_tensor_list fields, int n_targets, hone_dataset *set)
{
    const char *const where = "dataset_tensors";
    if (!set || !fields.at)
        return hone__error_missing(where, set ? "a list of tensors" : "a data set");
    *set = (hone_dataset){ 0 };
    if (fields.n < 1 || fields.n > HONE_SAMPLE_FIELDS || n_targets < 0 || n_targets >= fields.n)
        return hone_error_set(HONE_E_VALUE,
                              "dataset_tensors: %d tensors, of which %d are targets (1 to %d, and "
                              "one that is none, are wanted)",
                              fields.n, n_targets, HONE_SAMPLE_FIELDS);
    for (int f = 0; f < fields.n; f++)
        if (!hone__dataset_fits(where, fields.at[0], fields.at[f]))
            return hone__error_last();
    tensors *t = hone__calloc(sizeof *t);
    if (!t)
        return hone__error_last();
    *set = (hone_dataset){ .type = &tensors_class, .state = t };
    HONE_SCOPE();
    HONE_NO_GRAD();
    for (t->n_targets = n_targets; t->n < fields.n; t->n++)
        if (!(t->at[t->n] = hone_retain(hone_contiguous(fields.at[t->n])))) {
            hone_dataset_free(set);
            return hone__error_last();
        }
    return HONE_OK;
}
