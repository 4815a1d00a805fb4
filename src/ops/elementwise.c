/* elementwise.c: the driver of elementwise.h. */
#include "ops/elementwise.h"

#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

enum {
    OPERANDS = 1 + HONE__ELEMENTWISE_INPUTS, /* the result first */
    STRETCH = 512,                           /* elements cast at a time, on the stack */
    GRAIN = 16,                              /* threads write whole cache lines */
    TILE = 128,                              /* columns of a transposing copy that go together */
    COPY_FIRST = 4096 /* elements from which a transposed operand is worth a copy */
};

/* The whole walk: dims outermost first, strides in elements. */
typedef struct {
    const hone__elementwise_kernel *kernel;
    int n; /* operands */
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
    int64_t stride[OPERANDS][HONE_MAX_DIMS];
    char *data[OPERANDS];
    int64_t size[OPERANDS];       /* bytes of an element */
    hone__cast_fn cast[OPERANDS]; /* NULL: the kernel reads it as it is */
    bool casts;
    uint64_t local[OPERANDS]; /* room for a number */
} walk;

/* ---- numbers ---- */

void hone__number(hone_dtype dtype, double number, void *element)
{
    if (hone_dtype_is_float(dtype)) {
        hone__k->cast[HONE__F64][dtype](1, element, 1, &number, 1);
    } else if (dtype == HONE_BOOL) {
        *(uint8_t *)element = number != 0;
    } else {
        int64_t whole;
        hone__k->cast[HONE__F64][HONE__I64](1, &whole, 1, &number, 1);
        hone__k->cast[HONE__I64][dtype](1, element, 1, &whole, 1);
    }
}

bool hone__number_fits(const char *op, hone_dtype dtype, double number)
{
    /* the dtype's integers are those between `low` and `high`, both excluded, when truncated */
    double low = -INFINITY, high = INFINITY;
    switch (dtype) {
    case HONE_I64:
        low = -0x1.0000000000001p63; /* the next double below -2^63 */
        high = 0x1p63;
        break;
    case HONE_I32:
        low = -0x1p31 - 1;
        high = 0x1p31;
        break;
    case HONE_U8:
        low = -1;
        high = 256;
        break;
    case HONE_F32:
    case HONE_F64:
    case HONE_BOOL:
        return true;
    }
    if (number > low && number < high)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %g doesn't fit into %s", op, number, hone_dtype_name(dtype));
    return false;
}

hone_dtype hone__number_dtype(hone_dtype dtype, double number)
{
    if (hone_dtype_is_float(dtype))
        return dtype;
    if (!(number >= -0x1p63 && number < 0x1p63) || number != floor(number))
        return HONE_F32;
    return dtype == HONE_BOOL ? HONE_I64 : dtype;
}

/* ---- running ---- */

static inline void call_kernel(const hone__elementwise_kernel *k, int64_t n, char *const *at,
                               const int64_t *stride)
{
    switch (k->arity) {
    case HONE__UNARY:
        k->fn.unary(n, at[0], stride[0], at[1], stride[1]);
        break;
    case HONE__BINARY:
        k->fn.binary(n, at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__COMPARE:
        k->fn.compare(n, (uint8_t *)at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__WHERE:
        k->fn.where(n, at[0], stride[0], (const uint8_t *)at[1], stride[1], at[2], stride[2], at[3],
                    stride[3]);
        break;
    case HONE__FILL:
        k->fn.fill(n, at[0], stride[0], at[1]);
        break;
    }
}

/* One row of n elements, of which some operands are cast on the way. */
static void run_casting(const walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    double buffer[OPERANDS][STRETCH];
    for (int64_t done = 0; done < n; done += STRETCH) {
        const int64_t m = n - done < STRETCH ? n - done : STRETCH;
        char *from[OPERANDS];
        int64_t step[OPERANDS];
        for (int o = 0; o < w->n; o++) {
            step[o] = stride[o];
            from[o] = at[o] + done * stride[o] * w->size[o];
            if (!w->cast[o])
                continue;
            w->cast[o](stride[o] == 0 ? 1 : m, buffer[o], 1, from[o], stride[o]);
            step[o] = stride[o] != 0;
            from[o] = (char *)buffer[o];
        }
        call_kernel(w->kernel, m, from, step);
    }
}

/* Elements [begin, end) of the walk. */
static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const walk *w = ctx;
    const int inner = w->ndim - 1;
    int64_t index[HONE_MAX_DIMS], stride[OPERANDS], rest = begin;
    char *at[OPERANDS];
    for (int o = 0; o < w->n; o++) {
        at[o] = w->data[o];
        stride[o] = w->stride[o][inner];
    }
    for (int d = inner; d >= 0; d--) {
        index[d] = rest % w->shape[d];
        rest /= w->shape[d];
        for (int o = 0; o < w->n; o++)
            at[o] += index[d] * w->stride[o][d] * w->size[o];
    }
    while (begin < end) {
        const int64_t left = w->shape[inner] - index[inner];
        const int64_t m = left < end - begin ? left : end - begin;
        if (w->casts)
            run_casting(w, m, at, stride);
        else
            call_kernel(w->kernel, m, at, stride);
        begin += m;
        /* on to the next row: back to the start of this one, then one step in the dims outside */
        for (int o = 0; o < w->n; o++)
            at[o] -= index[inner] * stride[o] * w->size[o];
        index[inner] = 0;
        for (int d = inner - 1; d >= 0; d--) {
            const bool carry = ++index[d] == w->shape[d];
            const int64_t steps = carry ? 1 - w->shape[d] : 1;
            for (int o = 0; o < w->n; o++)
                at[o] += steps * w->stride[o][d] * w->size[o];
            if (!carry)
                break;
            index[d] = 0;
        }
    }
}

/* All operands dense: ranges need no walk. */
static void run_dense(void *ctx, int64_t begin, int64_t end)
{
    const walk *w = ctx;
    char *at[OPERANDS];
    int64_t stride[OPERANDS];
    for (int o = 0; o < w->n; o++) {
        stride[o] = w->stride[o][0];
        at[o] = w->data[o] + begin * stride[o] * w->size[o];
    }
    call_kernel(w->kernel, end - begin, at, stride);
}

/* ---- planning ---- */

static int inputs_of(const hone__elementwise_kernel *k)
{
    return k->arity == HONE__BINARY || k->arity == HONE__COMPARE ? 2
           : k->arity == HONE__WHERE                             ? 3
                                                                 : 1;
}

/* A number, or the only element of a 0-d tensor of another dtype, becomes a local. True if the
 * operand is one element for all, and then ready. */
static bool take_single(walk *w, int o, hone_dtype dtype, const hone__operand *in)
{
    if (!in->t) {
        hone__number(dtype, in->number, &w->local[o]);
    } else if (in->t->ndim == 0 && (hone_dtype)in->t->dtype != dtype) {
        hone__k->cast[in->t->dtype][dtype](1, &w->local[o], 1, hone__data(in->t), 1);
    } else {
        return false;
    }
    w->data[o] = (char *)&w->local[o];
    return true;
}

static bool same_geometry(const hone_tensor *a, const hone_tensor *b)
{
    if (a->offset != b->offset || a->ndim != b->ndim)
        return false;
    for (int d = 0; d < a->ndim; d++)
        if (a->shape[d] != b->shape[d] || (a->shape[d] > 1 && a->stride[d] != b->stride[d]))
            return false;
    return true;
}

static int64_t last_element(const hone_tensor *t)
{
    int64_t last = t->offset;
    for (int d = 0; d < t->ndim; d++)
        last += (t->shape[d] - 1) * t->stride[d];
    return last;
}

/* True if writing out could change t before it is read: same memory, other places. */
static bool overlaps(const hone_tensor *out, const hone_tensor *t)
{
    return t->storage == out->storage && !same_geometry(out, t) && t->offset <= last_element(out) &&
           out->offset <= last_element(t);
}

/* The simple and common case, for ops on a few elements: everything contiguous, of the result's
 * shape or a single element. */
static bool plan_dense(walk *w, hone_tensor *out, const hone__operand *in)
{
    if (!hone__contiguous(out))
        return false;
    w->ndim = 1;
    w->shape[0] = out->numel;
    w->stride[0][0] = 1;
    for (int i = 0; i < w->n - 1; i++) {
        const hone_tensor *t = in[i].t;
        const hone_dtype dtype = w->kernel->reads[i];
        w->stride[i + 1][0] = 0;
        if (take_single(w, i + 1, dtype, &in[i]))
            continue;
        if ((hone_dtype)t->dtype != dtype || (t->storage == out->storage && !same_geometry(out, t)))
            return false;
        w->data[i + 1] = hone__data(t);
        if (t->numel == 1)
            continue;
        if (!hone__same_shape(t, out) || !hone__contiguous(t))
            return false;
        w->stride[i + 1][0] = 1;
    }
    return true;
}

/* Dims of extent 1 left out, the rest in the order of the result's memory. */
static void order_dims(walk *w, const hone_tensor *out, int64_t stride[][HONE_MAX_DIMS])
{
    int order[HONE_MAX_DIMS], n = 0;
    for (int d = 0; d < out->ndim; d++) {
        if (out->shape[d] == 1)
            continue;
        int at = n++;
        for (; at > 0 && out->stride[order[at - 1]] < out->stride[d]; at--)
            order[at] = order[at - 1];
        order[at] = d;
    }
    for (int k = 0; k < n; k++) {
        w->shape[k] = out->shape[order[k]];
        for (int o = 0; o < w->n; o++)
            w->stride[o][k] = stride[o][order[k]];
    }
    w->ndim = n;
    if (n == 0) { /* one element */
        w->ndim = 1;
        w->shape[0] = 1;
        for (int o = 0; o < w->n; o++)
            w->stride[o][0] = 1;
    }
}

/* Neighbours that are one dim in the memory of every operand become one. */
static void merge_dims(walk *w)
{
    int last = 0;
    for (int d = 1; d < w->ndim; d++) {
        bool one = true;
        for (int o = 0; o < w->n; o++)
            one = one && w->stride[o][last] == w->stride[o][d] * w->shape[d];
        if (one)
            w->shape[last] *= w->shape[d];
        else
            w->shape[++last] = w->shape[d];
        for (int o = 0; o < w->n; o++)
            w->stride[o][last] = w->stride[o][d];
    }
    w->ndim = last + 1;
}

static void plan_strided(walk *w, const hone_tensor *out, const hone__operand *in)
{
    int64_t stride[OPERANDS][HONE_MAX_DIMS];
    hone__shape shape = { .ndim = out->ndim };
    for (int d = 0; d < out->ndim; d++) {
        shape.shape[d] = out->shape[d];
        stride[0][d] = out->stride[d];
    }
    w->casts = false;
    w->cast[0] = NULL;
    for (int o = 1; o < w->n; o++) {
        const hone_tensor *t = in[o - 1].t;
        const hone_dtype dtype = w->kernel->reads[o - 1];
        w->cast[o] = NULL;
        w->size[o] = (int64_t)hone_dtype_size(t ? (hone_dtype)t->dtype : dtype);
        if (take_single(w, o, dtype, &in[o - 1])) {
            memset(stride[o], 0, sizeof stride[o]);
            continue;
        }
        w->data[o] = hone__data(t);
        hone__broadcast_strides(t, &shape, stride[o]);
        if ((hone_dtype)t->dtype != dtype) {
            w->cast[o] = hone__k->cast[t->dtype][dtype];
            w->casts = true;
        }
    }
    order_dims(w, out, stride);
    merge_dims(w);
}

/* True if reading t in the order of out jumps through memory although another order would not. */
static bool is_transposed(const hone_tensor *out, const hone_tensor *t)
{
    if (t->numel < COPY_FIRST || !hone__same_shape(out, t))
        return false;
    int inner = -1;
    bool dense = false;
    for (int d = 0; d < t->ndim; d++) {
        if (t->shape[d] == 1)
            continue;
        if (inner < 0 || out->stride[d] < out->stride[inner])
            inner = d;
        dense = dense || (t->stride[d] == 1 && t->shape[d] >= GRAIN);
    }
    return dense && t->stride[inner] >= GRAIN;
}

static hone_tensor *contiguous_copy(hone_tensor *t)
{
    hone_tensor *copy = hone__own(hone__new("copy", (hone_dtype)t->dtype, t->ndim, t->shape));
    return copy && hone__copy_elements(copy, t) ? copy : NULL;
}

static double cost(const walk *w)
{
    double ns = w->kernel->ns + (w->casts ? 0.5 : 0);
    for (int o = 0; o < w->n; o++)
        ns += w->stride[o][w->ndim - 1] > 1 ? 0.7 : 0;
    return ns;
}

bool hone__elementwise(const hone__elementwise_kernel *kernel, hone_tensor *out,
                       const hone__operand *in)
{
    if (out->numel == 0)
        return true;
    walk w;
    w.kernel = kernel;
    w.n = 1 + inputs_of(kernel);
    w.data[0] = hone__data(out);
    w.size[0] = (int64_t)hone__size_of(out->dtype);
    for (int o = 1; o < w.n; o++)
        w.size[o] = (int64_t)hone__size_of((uint8_t)kernel->reads[o - 1]);
    if (plan_dense(&w, out, in)) {
        hone__parallel_for(out->numel, GRAIN, kernel->ns, run_dense, &w);
        return true;
    }
    HONE_SCOPE(); /* of the copies */
    hone__operand read[HONE__ELEMENTWISE_INPUTS];
    for (int i = 0; i < w.n - 1; i++) {
        read[i] = in[i];
        if (!in[i].t || (!overlaps(out, in[i].t) && !is_transposed(out, in[i].t)))
            continue;
        read[i].t = contiguous_copy(in[i].t);
        if (!read[i].t)
            return false;
    }
    plan_strided(&w, out, read);
    hone__parallel_for(out->numel, GRAIN, cost(&w), run_range, &w);
    return true;
}

/* ---- copies and fills ---- */

/* A copy whose contiguous direction changes: planes of [rows, cols], cut into bands of TILE
 * columns. */
typedef struct {
    walk w; /* the dims outside the plane */
    int64_t planes, bands;
    int64_t rows, cols;        /* rows are contiguous in the result, cols in the source */
    int64_t out_step, in_step; /* from column to column, from row to row */
    hone__transpose_fn fn;
} transposition;

static void run_transposition(void *ctx, int64_t begin, int64_t end)
{
    const transposition *t = ctx;
    for (int64_t band = begin; band < end; band++) {
        const int64_t col = band % t->bands * TILE;
        int64_t plane = band / t->bands;
        char *out = t->w.data[0] + col * t->out_step * t->w.size[0];
        const char *in = t->w.data[1] + col * t->w.size[1];
        for (int d = t->w.ndim - 1; d >= 0; d--) {
            const int64_t index = plane % t->w.shape[d];
            plane /= t->w.shape[d];
            out += index * t->w.stride[0][d] * t->w.size[0];
            in += index * t->w.stride[1][d] * t->w.size[1];
        }
        const int64_t cols = t->cols - col < TILE ? t->cols - col : TILE;
        t->fn(t->rows, cols, out, t->out_step, in, t->in_step);
    }
}

/* Takes the two dims of the plane out of the walk; false if there is no such pair. */
static bool plan_transposition(transposition *t, hone_dtype dtype)
{
    walk *w = &t->w;
    const int inner = w->ndim - 1;
    int other = -1;
    for (int d = 0; d < inner; d++)
        if (w->stride[1][d] == 1)
            other = d;
    if (other < 0 || w->stride[0][inner] != 1 || w->stride[1][inner] <= 1)
        return false;
    t->rows = w->shape[inner];
    t->cols = w->shape[other];
    t->out_step = w->stride[0][other];
    t->in_step = w->stride[1][inner];
    t->bands = (t->cols + TILE - 1) / TILE;
    t->fn = hone__k->transpose[dtype];
    w->ndim--;
    for (int d = other; d < w->ndim; d++) {
        w->shape[d] = w->shape[d + 1];
        for (int o = 0; o < 2; o++)
            w->stride[o][d] = w->stride[o][d + 1];
    }
    /* `inner` moved one place down and is dropped with it */
    w->ndim--;
    t->planes = 1;
    for (int d = 0; d < w->ndim; d++)
        t->planes *= w->shape[d];
    return true;
}

static bool copy_transposing(hone_tensor *out, hone_tensor *x,
                             const hone__elementwise_kernel *kernel)
{
    transposition t;
    t.w.kernel = kernel;
    t.w.n = 2;
    t.w.data[0] = hone__data(out);
    t.w.size[0] = (int64_t)hone__size_of(out->dtype);
    plan_strided(&t.w, out, &(hone__operand){ .t = x });
    if (!plan_transposition(&t, (hone_dtype)out->dtype))
        return false;
    const double band_ns = (double)(t.rows * (t.cols < TILE ? t.cols : TILE));
    hone__parallel_for(t.planes * t.bands, 1, band_ns, run_transposition, &t);
    return true;
}

bool hone__copy_elements(hone_tensor *out, hone_tensor *x)
{
    if (out->numel == 0 || (out->storage == x->storage && same_geometry(out, x)))
        return true;
    const bool same = out->dtype == x->dtype;
    const hone__elementwise_kernel kernel = {
        .arity = HONE__UNARY,
        .fn.unary = same ? hone__k->copy[x->dtype] : hone__k->cast[x->dtype][out->dtype],
        .reads = { (hone_dtype)x->dtype },
        .ns = HONE__NS_MOVE,
    };
    if (same && !hone__contiguous(x) && !overlaps(out, x) && copy_transposing(out, x, &kernel))
        return true;
    return hone__elementwise(&kernel, out, &(hone__operand){ .t = x });
}

void hone__fill_elements(hone_tensor *out, double value)
{
    const hone_dtype dtype = (hone_dtype)out->dtype;
    const hone__elementwise_kernel kernel = { .arity = HONE__FILL,
                                              .fn.fill = hone__k->fill[dtype],
                                              .reads = { dtype },
                                              .ns = HONE__NS_MOVE };
    const hone__operand number = { .number = value };
    hone__elementwise(&kernel, out, &number); /* one operand, a number: can't fail */
}
