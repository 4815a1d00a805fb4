/* cut.c: a test set for sources that have none. */
#include "core/core.h"
#include "data/kinds.h"
#include "loops/shuffle.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <hone/ops.h>

#include <string.h>

/* The samples whose mark is `which`, in their order. */
static hone_status take(const hone_dataset *all, const bool *mark, bool which, int64_t *index,
                        hone_dataset *out)
{
    HONE_SCOPE();
    const int64_t n = hone_dataset_size(all);
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (mark[i] == which)
            index[count++] = i;
    hone_tensor *rows = hone_from_data(HONE_I64, index, count);
    hone_tensor *x = hone_index_select(all->x, 0, rows);
    hone_tensor *y = all->y == HONE_NONE ? HONE_NONE : hone_index_select(all->y, 0, rows);
    return x && y ? hone_dataset_from(x, y, out) : hone__error_last();
}

static hone_status limited(int64_t limit, hone_dataset *set)
{
    return limit && set->x ? hone_dataset_limit(set, limit) : HONE_OK;
}

hone_status hone__data_cut(const hone__data_request *r, hone_dataset *all, double part,
                           hone_source *data)
{
    const int64_t n = hone_dataset_size(all);
    int64_t n_test = (int64_t)((double)n * (part > 0 ? part : 0.1) + 0.5);
    if (r->o.whole || n_test >= n) {
        data->test = *all;
        *all = (hone_dataset){ 0 };
        return limited(r->o.limit, &data->test);
    }
    n_test = n_test < 1 ? 1 : n_test;
    int64_t *order = hone__malloc(hone__bytes(n, sizeof *order));
    bool *mark = hone__calloc(hone__bytes(n, sizeof *mark));
    hone_status status = order && mark ? HONE_OK : hone__error_last();
    if (status == HONE_OK) {
        hone__shuffle(n, order, 0, hone__stream(HONE__STREAM_CUT, (uint64_t)n));
        for (int64_t i = 0; i < n_test; i++)
            mark[order[i]] = true;
        status = take(all, mark, true, order, &data->test);
    }
    if (status == HONE_OK && !r->o.no_train)
        status = take(all, mark, false, order, &data->train);
    hone__free(order);
    hone__free(mark);
    hone_dataset_free(all);
    if (status == HONE_OK)
        status = limited(r->o.limit, &data->train);
    return status == HONE_OK ? limited(r->o.limit, &data->test) : status;
}
