/* dataset.c: data sets in memory, and what is asked of all. */
#include <hone/data.h>
#include "core/core.h"
#include "data/data.h"

#include <hone/ops.h>

bool hone__dataset_fits(const char *where, const hone_tensor *x, const hone_tensor *y)
{
    if (!hone__needs_tensor(where, x) || !hone__needs_tensor_or_none(where, y))
        return false;
    if (y == HONE_NONE && x->ndim > 0)
        return true;
    if (x->ndim > 0 && y->ndim > 0 && x->shape[0] == y->shape[0])
        return true;
    hone_error_set(HONE_E_SHAPE,
                   "%s: %s inputs and %s targets: their first extents count the samples and must "
                   "be equal",
                   where, hone__shape_text(x->ndim, x->shape).s,
                   hone__shape_text(y->ndim, y->shape).s);
    return false;
}

hone_status hone_dataset_from(hone_tensor *x, hone_tensor *y, hone_dataset *set)
{
    if (!set)
        return hone__error_missing("dataset_from", "a data set");
    *set = (hone_dataset){ 0 };
    if (!hone__dataset_fits("dataset_from", x, y))
        return hone__error_last();
    set->x = hone_retain(x);
    set->y = hone_retain(y);
    return HONE_OK;
}

int64_t hone_dataset_size(const hone_dataset *set)
{
    if (!set) {
        hone__error_missing("dataset_size", "a data set");
        return -1;
    }
    if (set->type)
        return set->type->size(set);
    return set->x ? hone_size(set->x, 0) : 0;
}

hone_status hone_dataset_limit(hone_dataset *set, int64_t n)
{
    if (!set)
        return hone__error_missing("dataset_limit", "a data set");
    if (n < 1)
        return hone_error_set(HONE_E_VALUE, "dataset_limit: %lld samples (at least 1 is wanted)",
                              (long long)n);
    if (set->type || !set->x)
        return hone_error_set(HONE_E_STATE, "dataset_limit: the set isn't in memory");
    if (!hone__dataset_fits("dataset_limit", set->x, set->y))
        return hone__error_last();
    if (n >= hone_size(set->x, 0))
        return HONE_OK;
    HONE_SCOPE();
    hone_tensor *x = hone_slice(set->x, 0, 0, n, 1);
    hone_tensor *y = set->y == HONE_NONE ? HONE_NONE : hone_slice(set->y, 0, 0, n, 1);
    if (!x || !y)
        return hone__error_last();
    hone_assign(&set->x, x);
    hone_assign(&set->y, y);
    return HONE_OK;
}

void hone_dataset_free(hone_dataset *set)
{
    if (!set)
        return;
    if (set->type && set->type->destroy)
        set->type->destroy(set);
    hone_release(set->x);
    hone_release(set->y);
    *set = (hone_dataset){ 0 };
}
