/* gather.c: one index an element along a dim: gather, and scatter_add, which is its gradient.
 *
 * Both walk the index tensor as [outer][dim][inner]; an element belongs to the place outer and
 * inner name, at the index's value along dim. */
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "ops/common.h"
#include "loops/rows.h"

#include "isa/isa.h"
#include "runtime/parallel.h"

#include <stdatomic.h>

#define NS_PER_ELEMENT 1.0
#define ALWAYS_INLINE  inline __attribute__((always_inline)) /* for constants in loops */

enum { JUMP_BYTES = 1 << 18, COLUMNS = 64 };
enum { TURNS = 2 };
enum { RUN = 512, FEW = 4096 }; /* indices checked in one go; that are not worth more than one */

typedef struct {
    hone_tensor *index;         /* contiguous i64, values checked before or as they are used */
    int64_t outer, dim, inner;  /* extents of the index */
    int64_t extent, step;       /* of dim in the indexed tensor: indices lie below; stride */
    int64_t together;           /* columns that are walked together, through all of dim */
    const int64_t *inner_place; /* offset of each inner position in the indexed tensor */
    hone__rows places;          /* that tensor, cut to the index's extents, dim left out */
    hone_dtype dtype;
    int64_t size;
    char *out;
    const char *from;
    bool check_later;
    atomic_bool out_of_range; /* then: some index was, and was not followed */
} job;

static bool extents_fit(const char *name, const hone_tensor *x, const hone_tensor *index, int dim)
{
    bool fits = x->ndim == index->ndim;
    for (int d = 0; fits && d < x->ndim; d++)
        fits = d == dim || index->shape[d] <= x->shape[d];
    if (!fits)
        hone_error_set(
            HONE_E_SHAPE,
            "%s: the index %s doesn't fit %s: as many dims, no extent larger (but dim %d)", name,
            hone__tensor_text(index).s, hone__tensor_text(x).s, dim);
    return fits;
}

/* True if n indices may be followed; they stay in L1 for what comes next. */
static bool run_in_range(const int64_t *at, int64_t n, int64_t extent)
{
    int64_t least, most;
    hone__k->reduce_rows[HONE__K_MIN][HONE__I64](1, n, at, n, &least, 1);
    hone__k->reduce_rows[HONE__K_MAX][HONE__I64](1, n, at, n, &most, 1);
    return least >= 0 && most < extent;
}

static bool values_in_range(const char *name, const hone_tensor *index, int64_t extent, int dim)
{
    const int64_t *at = hone__data(index);
    int64_t i = 0, n;
    for (; i < index->numel; i += n) {
        n = hone__min(FEW, index->numel - i);
        if (!run_in_range(at + i, n, extent))
            break;
    }
    while (i < index->numel && at[i] >= 0 && at[i] < extent)
        i++;
    if (i == index->numel)
        return true;
    hone_error_set(HONE_E_INDEX,
                   "%s: index %lld (element %lld of %s) is out of range for dim "
                   "%d with extent %lld",
                   name, (long long)at[i], (long long)i, hone__tensor_text(index).s, dim,
                   (long long)extent);
    return false;
}

/* The geometry of x as seen by the index; x is what is read or added to. The indices of many runs
 * are left to who follows them. */
static bool prepare(const char *name, const hone_tensor *x, int dim, hone_tensor *index, job *j)
{
    if (!extents_fit(name, x, index, dim))
        return false;
    j->index = hone__indices_of(name, index);
    if (!j->index)
        return false;
    j->extent = x->ndim ? x->shape[dim] : 1;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    j->outer = j->inner = 1;
    j->dim = x->ndim ? index->shape[dim] : 1;
    j->step = x->ndim ? x->stride[dim] : 0;
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim)
            continue;
        *(d < dim ? &j->outer : &j->inner) *= index->shape[d];
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = index->shape[d];
    }
    j->check_later = j->inner == 1 && index->numel > FEW;
    atomic_init(&j->out_of_range, false);
    if (!j->check_later && !values_in_range(name, j->index, j->extent, dim))
        return false;
    hone_tensor *cut = hone__own(hone__alias(x, shape.ndim, shape.shape, stride, x->offset));
    hone_tensor *inner_place = hone__own(hone__new(name, HONE_I64, 1, &j->inner));
    if (!cut || !inner_place)
        return false;
    j->places = hone__rows_of(cut, ~((1u << dim) - 1));
    /* so that what they jump around in stays in a core's cache */
    const int64_t column = j->extent * (int64_t)hone__size_of(x->dtype);
    j->together = column * j->inner <= JUMP_BYTES ? (j->inner ? j->inner : 1) : COLUMNS;
    j->dtype = j->places.dtype;
    j->size = j->places.size;
    j->inner_place = hone__data(inner_place);
    for (int64_t c = 0; c < j->inner && index->numel; c++)
        ((int64_t *)hone__data(inner_place))[c] = hone__rows_offset(&j->places, 0, c);
    return true;
}

/* ---- gather */

typedef struct {
    int64_t n;
    const int64_t *at, *place; /* place: one offset a column; NULL: all are in one */
    int64_t step;
} run;

static ALWAYS_INLINE int64_t run_offset(const run *r, int64_t i)
{
    return r->at[i] * r->step + (r->place ? r->place[i] : 0);
}

static ALWAYS_INLINE void gather_run(const run *r, char *out, const char *base, int64_t size)
{
    for (int64_t i = 0; i < r->n; i++)
        hone__copy_one(size, out + i * size, base + run_offset(r, i) * size);
}

/* A loop for each size of an element, and for places side by side. */
static void gather_sized(const run *r, char *out, const char *base, int64_t size)
{
    if (size == 4 && r->place)
        gather_run(r, out, base, 4);
    else if (size == 4 && r->step == 1)
        gather_run(&(run){ r->n, r->at, NULL, 1 }, out, base, 4);
    else if (size == 4)
        gather_run(&(run){ r->n, r->at, NULL, r->step }, out, base, 4);
    else if (size == 8)
        gather_run(r, out, base, 8);
    else
        gather_run(r, out, base, 1);
}

/* n lines of one element; what lies behind their indices comes to L1 meanwhile. */
static void gather_column(job *j, int64_t line, int64_t n, const char *base)
{
    for (int64_t end = line + n, m; line < end; line += m) {
        const int64_t *at = (const int64_t *)hone__data(j->index) + line;
        m = hone__min(RUN, end - line);
        for (int64_t i = 0; i < m; i += 8)
            __builtin_prefetch(at + m + i);
        if (!j->check_later || run_in_range(at, m, j->extent))
            gather_sized(&(run){ m, at, NULL, j->step }, j->out + line * j->size, base, j->size);
        else
            atomic_store_explicit(&j->out_of_range, true, memory_order_relaxed);
    }
}

/* Lines [begin, end) of the index, counted through [outer][dim]. */
static void gather_lines(void *ctx, int64_t begin, int64_t end)
{
    job *j = ctx;
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
            gather_sized(&(run){ j->inner, at + i, j->inner_place, j->step }, j->out + i * j->size,
                         base, j->size);
        }
    }
}

static bool gather_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *index = in[1];
    const int dim = hone__take_dim(ctx, x);
    job j;
    if (dim < 0 || !prepare("gather", x, dim, index, &j) || !HONE__SAVE(ctx, index))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, j.dtype, index->ndim, index->shape);
    if (!y || y->numel == 0)
        return y;
    j.out = hone__data(y);
    hone__parallel_for(j.outer * j.dim, 1, NS_PER_ELEMENT * (double)j.inner, gather_lines, &j);
    return !j.out_of_range || values_in_range("gather", j.index, j.extent, dim);
}

static bool add_at(hone_context *ctx, hone_tensor *y, hone_tensor *index, hone_tensor *src);

static void gather_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy[0]) };
    hone_tensor *sum = hone__begun(ctx, 0, dx);
    if (sum) {
        add_at(ctx, sum, hone_saved(ctx, 0), dy[0]);
        return;
    }
    hone__ended(x, dims + 1);
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
};

hone_tensor *hone_gather(hone_tensor *x, int dim, hone_tensor *index)
{
    return hone__call(&hone__op_gather, IN(x, index), &(hone__dim_options){ dim });
}

/* ---- scatter_add */

typedef struct {
    int64_t outer, outer_end, inner, inner_end;
} lanes;

/* `turns` runs (a constant), at and from `apart`, each with a base of its own, an element of each in
 * turn: the next one of a run may go where the last one went, and waits until that is stored. */
static ALWAYS_INLINE void add_run(const run *r, int turns, int64_t apart, char *const *base,
                                  const char *from, hone_dtype dtype)
{
    const int64_t size = (int64_t)hone__size_of((uint8_t)dtype);
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t t = 0, k = i; t < turns; t++, k += apart)
            hone__add_one(dtype, base[t] + run_offset(r, k) * size, from + k * size);
}

/* A loop for each dtype. */
static ALWAYS_INLINE void add_typed(const run *r, int turns, int64_t apart, char *const *base,
                                    const char *from, hone_dtype dtype)
{
#define ADD_RUN(NAME, ...)                                                                         \
    case HONE_##NAME:                                                                              \
        add_run(r, turns, apart, base, from, HONE_##NAME);                                         \
        break;
    switch (dtype) {
        HONE__EACH_DTYPE(ADD_RUN, )
    }
#undef ADD_RUN
}

static char *lane_base(const job *j, int64_t outer)
{
    return j->places.data + hone__rows_offset(&j->places, outer, 0) * j->size;
}

/* Elements [i, i + m) of n columns (a constant) whose indices begin at `line`. */
static ALWAYS_INLINE void add_part(job *j, int n, int64_t line, int64_t i, int64_t m,
                                   char *const *base)
{
    const int64_t *at = (const int64_t *)hone__data(j->index) + line + i;
    bool good = true;
    for (int t = 0; t < n && j->check_later; t++)
        good = good && run_in_range(at + t * j->dim, m, j->extent);
    if (good)
        add_typed(&(run){ m, at, NULL, j->step }, n, j->dim, base, j->from + (line + i) * j->size,
                  j->dtype);
    else
        atomic_store_explicit(&j->out_of_range, true, memory_order_relaxed);
}

/* Lanes of one column, TURNS at a time. */
static void add_columns(job *j, int64_t outer, int64_t end)
{
    for (int64_t n; outer < end; outer += n) {
        char *base[TURNS];
        n = end - outer < TURNS ? 1 : TURNS;
        for (int t = 0; t < n; t++)
            base[t] = lane_base(j, outer + t);
        for (int64_t i = 0; i < j->dim; i += RUN) {
            const int64_t m = hone__min(RUN, j->dim - i);
            if (n == TURNS)
                add_part(j, TURNS, outer * j->dim, i, m, base);
            else
                add_part(j, 1, outer * j->dim, i, m, base);
        }
    }
}

/* Every destination lies in one lane (an outer and an inner position), and a lane belongs to one
 * thread, which goes along dim in order. */
static void add_lanes(job *j, lanes l)
{
    const int64_t *at = hone__data(j->index);
    if (j->inner == 1) {
        add_columns(j, l.outer, l.outer_end);
        return;
    }
    for (int64_t o = l.outer; o < l.outer_end; o++) {
        char *base = lane_base(j, o);
        const int64_t end = (o + 1) * j->dim;
        for (int64_t c = l.inner; c < l.inner_end; c += j->together)
            for (int64_t line = o * j->dim; line < end; line++) {
                const int64_t i = line * j->inner + c, n = hone__min(j->together, l.inner_end - c);
                add_typed(&(run){ n, at + i, j->inner_place + c, j->step }, 1, 0, &base,
                          j->from + i * j->size, j->dtype);
            }
    }
}

static void add_outer(void *ctx, int64_t begin, int64_t end)
{
    job *j = ctx;
    add_lanes(j, (lanes){ begin, end, 0, j->inner });
}

static void add_inner(void *ctx, int64_t begin, int64_t end)
{
    job *j = ctx;
    add_lanes(j, (lanes){ 0, j->outer, begin, end });
}

static void add_all(job *j)
{
    const double ns = NS_PER_ELEMENT * (double)j->dim;
    if (j->outer >= j->inner)
        hone__parallel_for(j->outer, 1, ns * (double)j->inner, add_outer, j);
    else
        hone__parallel_for(j->inner, 16, ns * (double)j->outer, add_inner, j);
}

static bool source_fits(const hone_tensor *x, const hone_tensor *index, const hone_tensor *src)
{
    bool fits = src->ndim == index->ndim;
    for (int d = 0; fits && d < src->ndim; d++)
        fits = index->shape[d] <= src->shape[d];
    if (fits && src->dtype == x->dtype)
        return true;
    hone_error_set(fits ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "scatter_add: src %s must be at least as large as the index %s and have the "
                   "dtype of %s",
                   hone__tensor_text(src).s, hone__tensor_text(index).s, hone__tensor_text(x).s);
    return false;
}

/* y += src at the index's places; the dim is the options'. False: an error. */
static bool add_at(hone_context *ctx, hone_tensor *y, hone_tensor *index, hone_tensor *src)
{
    const int dim = hone__dim_of(ctx);
    job j;
    if (!index || !prepare("scatter_add", y, dim, index, &j))
        return false;
    hone_tensor *cut =
        hone__own(hone__alias(src, index->ndim, index->shape, src->stride, src->offset));
    hone_tensor *from = hone_contiguous(cut);
    if (!from)
        return false;
    hone__bump(y);
    j.from = hone__data(from);
    if (index->numel)
        add_all(&j);
    return !j.out_of_range || values_in_range("scatter_add", j.index, j.extent, dim);
}

static bool scatter_add_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *index = in[1], *src = in[2];
    if (hone__take_dim(ctx, x) < 0 || !source_fits(x, index, src) || !HONE__SAVE(ctx, index))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    return y && hone__copy_elements(y, x) && add_at(ctx, y, index, src);
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

const hone__op hone__op_scatter_add = {
    .name = "scatter_add",
    .forward = scatter_add_forward,
    .backward = scatter_add_backward,
    .in = { { "x" }, { "index", HONE__CONSTANT }, { "src" } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
};

hone_tensor *hone_scatter_add(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src)
{
    return hone__call(&hone__op_scatter_add, IN(x, index, src), &(hone__dim_options){ dim });
}
