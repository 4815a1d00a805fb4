/* scatter.c: scatter_add, which is gather's gradient, and scatter: what goes to one index an element
 * along a dim. */
#include "ops/along.h"

#include "loops/elementwise.h"
#include "loops/indices.h"
#include "runtime/parallel.h"

#include <string.h>

typedef struct {
    int64_t outer, outer_end, inner, inner_end;
} lanes;

static HONE__ALWAYS_INLINE void add_run(const hone__along_run *r, char *base, const char *from,
                                        hone_dtype dtype)
{
    const int64_t size = (int64_t)hone__size_of((uint8_t)dtype);
    for (int64_t i = 0; i < r->n; i++)
        hone__add_one(dtype, base + hone__run_offset(r, i) * size, from + i * size);
}

static HONE__ALWAYS_INLINE void put_run(const hone__along_run *r, char *base, const char *from,
                                        int64_t size)
{
    for (int64_t i = 0; i < r->n; i++)
        hone__copy_one(size, base + hone__run_offset(r, i) * size, from + i * size);
}

static HONE__ALWAYS_INLINE void put_sized(const hone__along_run *r, char *base, const char *from,
                                          int64_t size)
{
    if (size == 4)
        put_run(r, base, from, 4);
    else if (size == 8)
        put_run(r, base, from, 8);
    else if (size == 2)
        put_run(r, base, from, 2);
    else
        put_run(r, base, from, 1);
}

/* A loop for each dtype. */
static HONE__ALWAYS_INLINE void add_typed(const hone__along_run *r, char *base, const char *from,
                                          hone_dtype dtype)
{
#define ADD_RUN(NAME, ...)                                                                         \
    case HONE_##NAME:                                                                              \
        add_run(r, base, from, HONE_##NAME);                                                       \
        break;
    HONE_ASSERT(!hone__is_half(dtype)); /* they are added as f32 */
    switch (dtype) {
        HONE__EACH_DTYPE(ADD_RUN, )
    default:
        break;
    }
#undef ADD_RUN
}

static void write_run(const hone__along_job *j, const hone__along_run *r, char *base,
                      const char *from)
{
    if (j->put)
        put_sized(r, base, from, j->size);
    else
        add_typed(r, base, from, j->dtype);
}

static char *lane_base(const hone__along_job *j, int64_t outer)
{
    return j->places.data + hone__rows_offset(&j->places, outer, 0) * j->size;
}

/* Lanes of one column. One after the other: two side by side read from twice as many places, which
 * costs more memory's time than it hides of stores that are waited for. */
static void write_columns(hone__along_job *j, int64_t outer, int64_t end)
{
    for (; outer < end; outer++) {
        char *base = lane_base(j, outer);
        if (j->before)
            memcpy(base, j->before + (base - j->places.data), (size_t)(j->extent * j->size));
        for (int64_t i = 0; i < j->dim; i += HONE__RUN) {
            const int64_t m = hone__min(HONE__RUN, j->dim - i), line = outer * j->dim + i;
            const int64_t *at = (const int64_t *)hone__data(j->index) + line;
            const hone__along_run r = { m, at, NULL, j->step };
            if (!j->check_later || hone__run_in_range(at, m, j->extent))
                write_run(j, &r, base, j->from + line * j->size);
            else
                atomic_store_explicit(&j->out_of_range, true, memory_order_relaxed);
        }
    }
}

/* Every destination lies in one lane (an outer and an inner position), and a lane belongs to one
 * thread, which goes along dim in order. */
static void write_lanes(hone__along_job *j, lanes l)
{
    const int64_t *at = hone__data(j->index);
    if (j->inner == 1) {
        write_columns(j, l.outer, l.outer_end);
        return;
    }
    for (int64_t o = l.outer; o < l.outer_end; o++) {
        char *base = lane_base(j, o);
        const int64_t end = (o + 1) * j->dim;
        for (int64_t c = l.inner; c < l.inner_end; c += j->together)
            for (int64_t line = o * j->dim; line < end; line++) {
                const int64_t i = line * j->inner + c, n = hone__min(j->together, l.inner_end - c);
                const hone__along_run r = { n, at + i, j->inner_place + c, j->step };
                write_run(j, &r, base, j->from + i * j->size);
            }
    }
}

static void write_outer(void *ctx, int64_t begin, int64_t end)
{
    hone__along_job *j = ctx;
    write_lanes(j, (lanes){ begin, end, 0, j->inner });
}

static void write_inner(void *ctx, int64_t begin, int64_t end)
{
    hone__along_job *j = ctx;
    write_lanes(j, (lanes){ 0, j->outer, begin, end });
}

static void write_all(hone__along_job *j)
{
    const double ns = HONE__NS_ALONG * (double)j->dim;
    if (j->outer >= j->inner)
        hone__parallel_for(j->outer, 1, ns * (double)j->inner, write_outer, j);
    else
        hone__parallel_for(j->inner, 16, ns * (double)j->outer, write_inner, j);
}

/* True if lanes are rows of y, and every row is one: then each is copied just before it is written to. */
static bool copied_by_lanes(const hone__along_job *j, const hone_tensor *y,
                            const hone_tensor *before)
{
    return j->inner == 1 && j->step == 1 && j->dim > 0 && j->outer * j->extent == y->numel &&
           hone__contiguous(y) && hone__contiguous(before) && before->dtype == y->dtype;
}

bool hone__write_along(const char *name, hone_tensor *y, hone_tensor *before, int dim,
                       hone_tensor *index, hone_tensor *src, bool put, bool later)
{
    hone__along_job j;
    if (!hone__along(name, y, dim, index, later, &j))
        return false;
    const bool begins = before && before != y, by_lanes = begins && copied_by_lanes(&j, y, before);
    if (begins && !by_lanes && !hone__copy_elements(y, before))
        return false;
    j.before = by_lanes ? hone__data(before) : NULL;
    hone_tensor *cut =
        hone__own(hone__alias(src, index->ndim, index->shape, src->stride, src->offset));
    hone_tensor *from = !cut || cut->storage != y->storage ? hone_contiguous(cut) : hone_clone(cut);
    if (!from)
        return false;
    hone__bump(y);
    j.from = hone__data(from);
    j.put = put;
    if (index->numel)
        write_all(&j);
    return !j.out_of_range || hone__values_in_range(name, j.index, j.extent, dim);
}

/* ---- the ops */

static bool source_fits(const char *name, const hone_tensor *x, const hone_tensor *index,
                        const hone_tensor *src)
{
    bool fits = src->ndim == index->ndim;
    for (int d = 0; fits && d < src->ndim; d++)
        fits = index->shape[d] <= src->shape[d];
    if (fits && src->dtype == x->dtype)
        return true;
    hone_error_set(fits ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "%s: src %s must be at least as large as the index %s and have the dtype of %s",
                   name, hone__tensor_text(src).s, hone__tensor_text(index).s,
                   hone__tensor_text(x).s);
    return false;
}

/* In place nothing is written before all indices are known to be good. */
static bool written(hone_context *ctx, hone_tensor *x, hone_tensor *index, hone_tensor *src,
                    bool put, hone_tensor **out)
{
    const char *name = hone__call_name(ctx);
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0 || !source_fits(name, x, index, src) || !HONE__SAVE(ctx, index))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    return y && hone__write_along(name, y, x, dim, index, src, put, y != x);
}

static bool scatter_add_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)n_in;
    return written(ctx, in[0], in[1], in[2], false, out);
}

static bool scatter_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return written(ctx, in[0], in[1], in[2], true, out);
}

/* What of src lies outside the index took no part. */
static hone_tensor *grad_src(hone_context *ctx, hone_tensor *dy)
{
    const hone__shape *index = hone__input_shape(ctx, 1), *src = hone__input_shape(ctx, 2);
    hone_tensor *g = hone_gather(dy, hone__dim_of(ctx), hone_saved(ctx, 0));
    int64_t dims[HONE_MAX_DIMS + 1];
    hone__ended(index, dims);
    for (int d = 0; d < src->ndim; d++) {
        if (index->shape[d] == src->shape[d])
            continue;
        dims[d] = src->shape[d];
        g = hone_slice_backward_v(g, dims, d, 0, index->shape[d], 1);
    }
    return g;
}

static void scatter_add_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dy[0];
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = grad_src(ctx, dy[0]);
}

static void scatter_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_scatter_scalar(dy[0], hone__dim_of(ctx), hone_saved(ctx, 0), 0);
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = grad_src(ctx, dy[0]);
}

#define SCATTER(op)                                                                                \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "x" }, { "index", HONE__CONSTANT }, { "src" } },                                 \
        .options = hone__dim_table,                                                                \
        .options_bytes = sizeof(hone__dim_options),                                                \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src)          \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x, index, src), &(hone__dim_options){ dim });         \
    }                                                                                              \
    hone_tensor *hone_##op##_(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src)       \
    {                                                                                              \
        return hone__call_(&hone__op_##op, IN(x, index, src), &(hone__dim_options){ dim });        \
    }
SCATTER(scatter_add)
SCATTER(scatter)

/* ---- scatter_scalar: a number in all those places */

typedef struct {
    int64_t dim; /* first, as in hone__dim_options */
    double s;
} number_options;

static const hone__option number_table[] = {
    HONE__OPTION(number_options, dim, HONE__OPT_INT, .required = true),
    HONE__OPTION(number_options, s, HONE__OPT_FLOAT, .required = true),
    { NULL },
};

static bool scatter_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    const double s = ((const number_options *)hone__options(ctx))->s;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    const hone__shape shape = hone__shape_of(in[1]);
    int64_t room[HONE_MAX_DIMS + 1];
    if (!hone__number_fits("scatter_scalar", dtype, s))
        return false;
    hone_tensor *src = hone_expand_v(hone_scalar(dtype, s), hone__ended(&shape, room));
    return src && written(ctx, in[0], in[1], src, true, out);
}

static void scatter_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_scatter_scalar(dy[0], hone__dim_of(ctx), hone_saved(ctx, 0), 0);
}

const hone__op hone__op_scatter_scalar = {
    .name = "scatter_scalar",
    .forward = scatter_scalar_forward,
    .backward = scatter_scalar_backward,
    .in = { { "x" }, { "index", HONE__CONSTANT } },
    .options = number_table,
    .options_bytes = sizeof(number_options),
    .forms = HONE__BOTH,
};

hone_tensor *hone_scatter_scalar(hone_tensor *x, int dim, hone_tensor *index, double s)
{
    return hone__call(&hone__op_scatter_scalar, IN(x, index), &(number_options){ dim, s });
}

hone_tensor *hone_scatter_scalar_(hone_tensor *x, int dim, hone_tensor *index, double s)
{
    return hone__call_(&hone__op_scatter_scalar, IN(x, index), &(number_options){ dim, s });
}
