/* part.c: see part.h. */
#include "op/part.h"

#include "runtime/memory.h"

static _Thread_local hone__part now;

hone__part *hone__part_now(void)
{
    return &now;
}

static bool add_loss(hone_dtype dtype, int64_t rows)
{
    if (!hone__grow(&now.losses, &now.room_losses, now.n_losses + 1, sizeof *now.losses))
        return false;
    hone_tensor *values = hone__new("accumulate", dtype, 1, &rows);
    if (values)
        now.losses[now.n_losses++] = (hone__part_loss){ values, NULL };
    return values;
}

bool hone__part_take_loss(const char *op, hone_dtype dtype, int64_t rows, int64_t *divisor,
                          void **values)
{
    *divisor = rows;
    *values = NULL;
    if (!now.id)
        return true;
    if (rows % now.samples != 0) {
        hone_error_set(HONE_E_SHAPE, "%s: %lld rows in a part of %lld samples", op, (long long)rows,
                       (long long)now.samples);
        return false;
    }
    const int64_t each = rows / now.samples, all = each * now.whole;
    if (now.n_calls == now.n_losses && !add_loss(dtype, all))
        return false;
    const hone_tensor *to = now.losses[now.n_calls++].values;
    if (to->shape[0] != all || (hone_dtype)to->dtype != dtype) {
        hone_error_set(
            HONE_E_SHAPE, "%s: %lld rows of %s a sample, but %lld of %s in the part before", op,
            (long long)each, hone_dtype_name(dtype), (long long)(to->shape[0] / now.whole),
            hone_dtype_name((hone_dtype)to->dtype));
        return false;
    }
    *divisor = all;
    *values = (char *)hone__data(to) + now.first * each * (int64_t)hone_dtype_size(dtype);
    return true;
}

hone_tensor *hone__part_divisor(void)
{
    return now.n_calls < now.n_losses ? now.losses[now.n_calls].divisor : NULL;
}

int64_t hone__part_first(const hone_tensor *t)
{
    return now.id && t->ndim > 0 && t->shape[0] == now.samples ? now.first : 0;
}

uint64_t hone__part_place(const hone_tensor *t)
{
    const int64_t first = hone__part_first(t);
    return first ? (uint64_t)first * (uint64_t)(t->numel / now.samples) : 0;
}
