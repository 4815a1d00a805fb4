/* gather.c: one index an element along a dim. */
#include "ops/along.h"

#include "loops/indices.h"
#include "runtime/parallel.h"

static HONE__ALWAYS_INLINE void gather_run(const hone__along_run *r, char *out, const char *base,
                                           int64_t size)
{
    for (int64_t i = 0; i < r->n; i++)
        hone__copy_one(size, out + i * size, base + hone__run_offset(r, i) * size);
}

/* A loop for each size of an element, and for places side by side. */
static void gather_sized(const hone__along_run *r, char *out, const char *base, int64_t size)
{
    if (size == 4 && r->place)
        gather_run(r, out, base, 4);
    else if (size == 4 && r->step == 1)
        gather_run(&(hone__along_run){ r->n, r->at, NULL, 1 }, out, base, 4);
    else if (size == 4)
        gather_run(&(hone__along_run){ r->n, r->at, NULL, r->step }, out, base, 4);
    else if (size == 8)
        gather_run(r, out, base, 8);
    else if (size == 2)
        gather_run(r, out, base, 2);
    else
        gather_run(r, out, base, 1);
}

/* n lines of one element; what lies behind their indices comes to L1 meanwhile. */
static void gather_column(hone__along_job *j, int64_t line, int64_t n, const char *base)
{
    for (int64_t end = line + n, m; line < end; line += m) {
        const int64_t *at = (const int64_t *)hone__data(j->index) + line;
        m = hone__min(HONE__RUN, end - line);
        for (int64_t i = 0; i < m; i += 8)
            __builtin_prefetch(at + m + i);
        if (!j->check_later || hone__run_in_range(at, m, j->extent))
            gather_sized(&(hone__along_run){ m, at, NULL, j->step }, j->out + line * j->size, base,
                         j->size);
        else
            atomic_store_explicit(&j->out_of_range, true, memory_order_relaxed);
    }
}

/* Lines [begin, end) of the index, counted through [outer][dim]. */
static void gather_lines(void *ctx, int64_t begin, int64_t end)
{
    hone__along_job *j = ctx;
    const int64_t *at = hone__data(j->index);
    for (int64_t line = begin; line < end;) {
        const int64_t o = line / j->dim, stop = hone__min(end, (o + 1) * j->dim);
        const char *base = j->places.data + hone__rows_offset(&j->places, o, 0) * j->size;
        if (j->inner == 1) {
            gather_column(j, line, stop - line, base);
            line = stop;
        }
        for (; line < stop; line++) {
            const int64_t i = line * j->inner;
            gather_sized(&(hone__along_run){ j->inner, at + i, j->inner_place, j->step },
                         j->out + i * j->size, base, j->size);
        }
    }
}

static bool gather_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *index = in[1];
    const int dim = hone__take_dim(ctx, x);
    hone__along_job j;
    if (dim < 0 || !hone__along("gather", x, dim, index, true, &j) || !HONE__SAVE(ctx, index))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, j.dtype, index->ndim, index->shape);
    if (!y || y->numel == 0)
        return y;
    j.out = hone__data(y);
    hone__parallel_for(j.outer * j.dim, 1, HONE__NS_ALONG * (double)j.inner, gather_lines, &j);
    return !j.out_of_range || hone__values_in_range("gather", j.index, j.extent, dim);
}

static void gather_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy[0]) };
    hone_tensor *sum = hone__begun(ctx, 0, dx);
    hone__ended(x, dims + 1);
    const bool fresh = !sum && !hone_grad_enabled() && !hone__is_half(hone_dtype_of(dy[0]));
    if (fresh && !(sum = dx[0] = hone_zeros_v(dims)))
        return;
    if (sum) { /* which nobody else has seen: no copy is made for the result */
        hone_tensor *index = hone_saved(ctx, 0);
        if (index)
            hone__write_along("scatter_add", sum, NULL, hone__dim_of(ctx), index, dy[0], false,
                              true);
        return;
    }
    dx[0] = hone_scatter_add(hone_zeros_v(dims), hone__dim_of(ctx), hone_saved(ctx, 0), dy[0]);
}

const hone__op hone__op_gather = {
    .name = "gather",
    .forward = gather_forward,
    .backward = gather_backward,
    .in = { { "x" }, { "index", HONE__CONSTANT } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
    .adds = true,
    .cost = hone__cost_of_rows,
};

hone_tensor *hone_gather(hone_tensor *x, int dim, hone_tensor *index)
{
    return hone__call(&hone__op_gather, IN(x, index), &(hone__dim_options){ dim });
}
