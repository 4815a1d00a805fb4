/* index_put.c: what is written or added at the places of x[i0, i1, ...]: index_put, and index_backward,
 * index's gradient. */
#include "ops/index_plan.h"

#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "runtime/parallel.h"

typedef struct {
    const hone__index_plan *p;
    const char *from; /* [rows][count][cols] */
    bool put;
} job;

static void write_run(const job *j, int64_t n, char *to, int64_t step, const char *from)
{
    const hone_dtype dtype = j->p->kept.dtype;
    if (j->put)
        hone__k->copy[dtype](n, to, step, from, 1);
    else
        hone__k->binary[HONE__K_ADD][dtype](n, to, step, to, step, from, 1);
}

/* Columns of one place, run by run. */
static void write_columns(const job *j, int64_t row, int64_t place_offset, const char *from)
{
    const hone__rows *to = &j->p->kept;
    const int d = to->n_col_dims - 1;
    const int64_t run = to->col_shape[d], step = to->col_stride[d];
    for (int64_t c = 0; c < to->cols; c += run) {
        char *at = to->data + (hone__rows_offset(to, row, c) + place_offset) * to->size;
        write_run(j, run, at, step, from + c * to->size);
    }
}

/* A destination belongs to one thread, which meets its contributions in the order of the indices.
 * Spreading them by a hash keeps a few popular places from landing on one thread. */
static void write_places(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const hone__index_plan *p = j->p;
    const hone__rows *to = &p->kept;
    for (int64_t row = 0; row < to->rows; row++) {
        const char *from = j->from + row * p->count * to->cols * to->size;
        char *base = to->data + hone__rows_offset(to, row, 0) * to->size;
        for (int64_t i = 0; i < p->count; i++) {
            const uint64_t hash = (uint64_t)p->offset[i] * UINT64_C(0x9E3779B97F4A7C15) >> 40;
            if (hash % (unsigned)n_threads != (unsigned)thread)
                continue;
            if (to->cols != 1)
                write_columns(j, row, p->offset[i], from + i * to->cols * to->size);
            else if (j->put)
                hone__copy_one(to->size, base + p->offset[i] * to->size, from + i * to->size);
            else
                hone__add_one(to->dtype, base + p->offset[i] * to->size, from + i * to->size);
        }
    }
}

bool hone__index_write(const char *name, hone_tensor *y, hone_tensor *values,
                       hone_tensor *const *indices, int n, bool put)
{
    hone__index_plan p;
    if (!hone__index_plan_of(name, y, indices, n, &p))
        return false;
    bool fits = values->ndim == p.shape.ndim;
    for (int d = 0; fits && d < p.shape.ndim; d++)
        fits = values->shape[d] == p.shape.shape[d];
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "%s: %s is %s, the indices take %s from %s", name,
                       put ? "values" : "dy", hone__tensor_text(values).s,
                       hone__shape_text(p.shape.ndim, p.shape.shape).s, hone__tensor_text(y).s);
        return false;
    }
    if (!(values = hone_contiguous(values)))
        return false;
    if (values->numel == 0)
        return true;
    job j = { .p = &p, .from = hone__data(values), .put = put };
    /* A scan over all places costs every thread the same, so only long columns are worth a team. */
    const double ns = (double)(p.kept.rows * p.count) *
                      (HONE__NS_PER_PLACE + HONE__NS_PER_INDEXED * (double)p.kept.cols);
    hone__parallel_team(hone__team_for(ns, p.kept.cols >= 16 ? p.count : 1), write_places, &j);
    return true;
}

/* ---- index_backward: zeros with dy added at the indices */

typedef struct {
    hone__shape shape;
} backward_options;

static const hone__option backward_table[] = {
    HONE__OPTION(backward_options, shape, HONE__OPT_DIMS, .required = true),
    { NULL },
};

static bool backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone__shape *shape = &((const backward_options *)hone__options(ctx))->shape;
    hone_tensor *dx = out[0] =
        hone__out(ctx, 0, (hone_dtype)in[0]->dtype, shape->ndim, shape->shape);
    if (!dx || !hone__save(ctx, n_in - 1, in + 1))
        return false;
    hone__fill_elements(dx, 0.0);
    return hone__index_write("index_backward", dx, in[0], in + 1, n_in - 1, false);
}

static void backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    dx[0] = hone_index_v(g[0], hone__saved_indices(ctx, hone__input_count(ctx) - 1, list));
}

const hone__op hone__op_index_backward = {
    .name = "index_backward",
    .forward = backward_forward,
    .backward = backward_of_g,
    .in = { { "dy" }, HONE__INDICES },
    .options = backward_table,
    .options_bytes = sizeof(backward_options),
};

hone_tensor *hone_index_backward_v(hone_tensor *dy, const int64_t *dims_end,
                                   hone_tensor *const *indices_end)
{
    backward_options options;
    return hone__read_dims("index_backward", dims_end, &options.shape)
               ? hone__call_indices(&hone__op_index_backward, &dy, 1, indices_end, &options, false)
               : NULL;
}

/* ---- index_put: x with values put, or added, at the indices */

typedef struct {
    bool accumulate;
} put_options;

static const hone__option put_table[] = {
    HONE__OPTION(put_options, accumulate, HONE__OPT_BOOL),
    { NULL },
};

/* The values as large as what the indices take; NULL + error. */
static hone_tensor *spread_values(const hone_tensor *x, hone_tensor *values,
                                  hone_tensor *const *indices, int n)
{
    hone__index_plan p;
    int64_t room[HONE_MAX_DIMS + 1];
    if (values->dtype != x->dtype) {
        hone_error_set(HONE_E_DTYPE, "index_put: values are %s, x is %s: one dtype is wanted",
                       hone__tensor_text(values).s, hone__tensor_text(x).s);
        return NULL;
    }
    if (!hone__index_plan_of("index_put", x, indices, n, &p))
        return NULL;
    const int lead = p.shape.ndim - values->ndim;
    bool fits = lead >= 0;
    for (int d = lead; fits && d < p.shape.ndim; d++)
        fits = values->shape[d - lead] == 1 || values->shape[d - lead] == p.shape.shape[d];
    if (fits)
        return hone_contiguous(hone_expand_v(values, hone__ended(&p.shape, room)));
    hone_error_set(HONE_E_SHAPE,
                   "index_put: values %s can't be broadcast to the %s of %s that the "
                   "indices take",
                   hone__tensor_text(values).s, hone__shape_text(p.shape.ndim, p.shape.shape).s,
                   hone__tensor_text(x).s);
    return NULL;
}

static bool index_put_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    const bool accumulate = ((const put_options *)hone__options(ctx))->accumulate;
    hone_tensor *x = in[0], *values = spread_values(x, in[1], in + 2, n_in - 2);
    if (values && values->storage == x->storage)
        values = hone_clone(values);
    if (!values || !hone__save(ctx, n_in - 2, in + 2))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    return y && (y == x || hone__copy_elements(y, x)) &&
           hone__index_write("index_put", y, values, in + 2, n_in - 2, !accumulate);
}

static void index_put_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const bool accumulate = ((const put_options *)hone__options(ctx))->accumulate;
    hone_tensor *list[HONE_MAX_DIMS + 1];
    hone__saved_indices(ctx, hone__input_count(ctx) - 2, list);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = accumulate
                    ? dy[0]
                    : hone_index_put_v(dy[0], hone_scalar(hone_dtype_of(dy[0]), 0), list, false);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_index_v(dy[0], list);
}

const hone__op hone__op_index_put = {
    .name = "index_put",
    .forward = index_put_forward,
    .backward = index_put_backward,
    .in = { { "x" }, { "values" }, HONE__INDICES },
    .options = put_table,
    .options_bytes = sizeof(put_options),
    .forms = HONE__BOTH,
};

hone_tensor *hone_index_put_v(hone_tensor *x, hone_tensor *values, hone_tensor *const *indices_end,
                              bool accumulate)
{
    return hone__call_indices(&hone__op_index_put, (hone_tensor *const[]){ x, values }, 2,
                              indices_end, &(put_options){ accumulate }, false);
}

hone_tensor *hone_index_put__v(hone_tensor *x, hone_tensor *values, hone_tensor *const *indices_end,
                               bool accumulate)
{
    return hone__call_indices(&hone__op_index_put, (hone_tensor *const[]){ x, values }, 2,
                              indices_end, &(put_options){ accumulate }, true);
}
