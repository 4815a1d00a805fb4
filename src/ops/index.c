/* index.c: x[i0, i1, ...] with tensors as indices; index_select. */
#include "ops/index_plan.h"

#include "loops/indices.h"
#include "runtime/parallel.h"

#include <string.h>

#define AHEAD 4 /* rows asked for before their turn */

/* ---- index */

typedef struct {
    const hone__index_plan *p;
    char *out; /* [rows][count][cols] */
} job;

static void copy_places(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__index_plan *p = j->p;
    hone__rows from = p->kept;
    const int64_t size = from.size, cols = from.cols;
    for (int64_t i = begin; i < end;) {
        const int64_t row = i / p->count, stop = hone__min(end, (row + 1) * p->count);
        const char *base = p->kept.data + hone__rows_offset(&p->kept, row, 0) * size;
        const int64_t *offset = p->offset - row * p->count;
        if (cols == 1) {
            for (; i < stop; i++)
                hone__copy_one(size, j->out + i * size, base + offset[i] * size);
            continue;
        }
        if (hone__whole_rows(&from)) {
            for (; i < stop; i++) {
                if (i + AHEAD < stop)
                    __builtin_prefetch(base + offset[i + AHEAD] * size);
                memcpy(j->out + i * cols * size, base + offset[i] * size, (size_t)(cols * size));
            }
            continue;
        }
        for (; i < stop; i++) {
            from.data = p->kept.data + offset[i] * size;
            hone__rows_gather(&from, (hone__rect){ row, row + 1, 0, cols },
                              j->out + i * cols * size, cols);
        }
    }
}

static bool index_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__index_plan p;
    if (!hone__index_plan_of("index", in[0], in + 1, n_in - 1, &p) ||
        !hone__save(ctx, n_in - 1, in + 1))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, p.kept.dtype, p.shape.ndim, p.shape.shape);
    if (!y || y->numel == 0)
        return y;
    job j = { .p = &p, .out = hone__data(y) };
    hone__parallel_for(p.kept.rows * p.count, 1,
                       HONE__NS_PER_PLACE + HONE__NS_PER_INDEXED * (double)p.kept.cols, copy_places,
                       &j);
    return true;
}

static void index_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const int n = hone__input_count(ctx) - 1;
    hone_tensor *list[HONE_MAX_DIMS + 1];
    int64_t room[HONE_MAX_DIMS + 1];
    hone_tensor *sum = hone__sum_begun(ctx, 0, dx), *d = hone__single(dy[0]);
    if (!d)
        return;
    if (sum) {
        hone__saved_indices(ctx, n, list);
        hone__bump(sum);
        hone__index_write("index_backward", sum, d, list, n, false);
        return;
    }
    dx[0] = hone_index_backward_v(d, hone__ended(hone__input_shape(ctx, 0), room),
                                  hone__saved_indices(ctx, n, list));
}

const hone__op hone__op_index = {
    .name = "index",
    .forward = index_forward,
    .backward = index_of_dy,
    .in = { { "x" }, HONE__INDICES },
    .adds = true,
    .cost = hone__cost_of_rows,
};

hone_tensor *hone_index_v(hone_tensor *x, hone_tensor *const *indices_end)
{
    return hone__call_indices(&hone__op_index, &x, 1, indices_end, NULL, false);
}

/* ---- index_select, repeat_interleave_tensor: by one index of one dim */

/* x[.., index, ..]; a 0-d x counts as [1]. */
static hone_tensor *index_dim(hone_tensor *x, int dim, hone_tensor *index)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    for (int d = 0; d < dim; d++)
        list[d] = HONE_NONE;
    list[dim] = index;
    list[dim + 1] = HONE_END_TENSOR;
    return hone_index_v(x->ndim ? x : hone_reshape(x, 1), list);
}

/* None below 0, as PyTorch. */
static bool selects(const hone_tensor *x, int dim, const hone_tensor *index)
{
    const int64_t extent = x->ndim ? x->shape[dim] : 1, *at = hone__data(index);
    for (int64_t i = 0; i < index->numel; i++) {
        if (at[i] >= 0 && at[i] < extent)
            continue;
        hone_error_set(HONE_E_INDEX,
                       "index_select: index %lld (element %lld) is out of range for dim %d of %s",
                       (long long)at[i], (long long)i, dim, hone__tensor_text(x).s);
        return false;
    }
    return true;
}

static bool index_select_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0)
        return false;
    if (in[1]->ndim > 1 || (x->ndim == 0 && in[1]->numel != 1)) {
        hone_error_set(HONE_E_SHAPE, "index_select: the index of %s must be %s, got %s",
                       hone__tensor_text(x).s, x->ndim ? "[n]" : "[1]", hone__tensor_text(in[1]).s);
        return false;
    }
    hone_tensor *index = hone__indices_of("index_select", in[1]);
    if (!index || !selects(x, dim, index))
        return false;
    hone_tensor *y = index_dim(x, dim, hone_reshape(index, index->numel));
    return hone__give(out,
                      x->ndim || !y ? y : hone_reshape_v(y, (const int64_t[]){ HONE_END_DIM }));
}

const hone__op hone__op_index_select = {
    .name = "index_select",
    .forward = index_select_forward,
    .in = { { "x" }, { "index", HONE__CONSTANT } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
    .composite = true,
};

hone_tensor *hone_index_select(hone_tensor *x, int dim, hone_tensor *index)
{
    return hone__call(&hone__op_index_select, IN(x, index), &(hone__dim_options){ dim });
}

/* How long the result's dim is; -1 + error. */
static int64_t repeated_extent(const hone_tensor *x, const hone_tensor *repeats, int64_t extent)
{
    int64_t n = 0;
    const int64_t *times = hone__data(repeats);
    if (repeats->ndim > 1 || (repeats->numel != 1 && repeats->numel != extent)) {
        hone_error_set(HONE_E_SHAPE,
                       "repeat_interleave_tensor: repeats must be [%lld] or [1] for x %s, got %s",
                       (long long)extent, hone__tensor_text(x).s, hone__tensor_text(repeats).s);
        return -1;
    }
    for (int64_t i = 0; i < extent; i++) {
        const int64_t t = times[repeats->numel == 1 ? 0 : i];
        if (t >= 0 && !__builtin_add_overflow(n, t, &n))
            continue;
        hone_error_set(HONE_E_VALUE,
                       "repeat_interleave_tensor: index %lld of x %s can't be repeated %lld times",
                       (long long)i, hone__tensor_text(x).s, (long long)t);
        return -1;
    }
    return n;
}

static bool repeat_interleave_tensor_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                             hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    hone_tensor *repeats = dim < 0 ? NULL : hone__indices_of("repeat_interleave_tensor", in[1]);
    if (!repeats)
        return false;
    const int64_t extent = x->ndim ? x->shape[dim] : 1;
    const int64_t n = repeated_extent(x, repeats, extent);
    hone_tensor *index =
        n < 0 ? NULL : hone__own(hone__new("repeat_interleave_tensor", HONE_I64, 1, &n));
    if (!index)
        return false;
    const int64_t *times = hone__data(repeats);
    int64_t *at = hone__data(index);
    for (int64_t i = 0; i < extent && n > 0; i++)
        for (int64_t t = times[repeats->numel == 1 ? 0 : i]; t > 0; t--)
            *at++ = i;
    return hone__give(out, index_dim(x, dim, index));
}

const hone__op hone__op_repeat_interleave_tensor = {
    .name = "repeat_interleave_tensor",
    .forward = repeat_interleave_tensor_forward,
    .in = { { "x" }, { "repeats", HONE__CONSTANT } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
    .composite = true,
};

hone_tensor *hone_repeat_interleave_tensor(hone_tensor *x, hone_tensor *repeats, int dim)
{
    return hone__call(&hone__op_repeat_interleave_tensor, IN(x, repeats),
                      &(hone__dim_options){ dim });
}
