/* elementwise.c: the driver of elementwise.h. */
#include "loops/elementwise.h"

#include "loops/past.h"
#include "loops/rows.h"
#include "loops/walk.h"
#include "runtime/parallel.h"

#include <string.h>

#define UNARY_KERNEL(NAME, name, dtypes, cost, ...) [HONE__K_##NAME] = HONE__NS_##cost,
const double hone__unary_ns[HONE__K_N_UNARY] = {
#include "kernels/kernels.def"
};
#define BINARY_KERNEL(NAME, name, dtypes, cost, ...) [HONE__K_##NAME] = HONE__NS_##cost,
const double hone__binary_ns[HONE__K_N_BINARY] = {
#include "kernels/kernels.def"
};

#define FORMULA_KERNEL(NAME, name, dtypes, inputs, cost) [HONE__K_FORMULA_##NAME] = HONE__NS_##cost,
const double hone__formula_ns[HONE__K_N_FORMULA] = {
#include "kernels/kernels.def"
};
#define FORMULA_KERNEL(NAME, name, dtypes, inputs, cost) [HONE__K_FORMULA_##NAME] = inputs,
const int hone__formula_inputs[HONE__K_N_FORMULA] = {
#include "kernels/kernels.def"
};

enum {
    STRETCH = 512,       /* elements cast at a time, on the stack */
    AHEAD = 4,           /* rows asked for before their turn */
    GRAIN = 16,          /* threads write whole cache lines */
    PAST_ROW = 1024,     /* bytes of the result's rows from which they go past the caches ... */
    PAST_LEAST = 1 << 20 /* ... and of the whole result */
};

/* ---- running ---- */

void hone__walk_casting(const hone__walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    double buffer[HONE__OPERANDS][STRETCH];
    for (int64_t done = 0; done < n; done += STRETCH) {
        const int64_t m = n - done < STRETCH ? n - done : STRETCH;
        char *from[HONE__OPERANDS];
        int64_t step[HONE__OPERANDS];
        for (int o = 0; o < w->n; o++) {
            step[o] = stride[o];
            from[o] = at[o] + done * stride[o] * w->size[o];
            if (!w->cast[o] || o == 0)
                continue;
            w->cast[o](stride[o] == 0 ? 1 : m, buffer[o], 1, from[o], stride[o]);
            step[o] = stride[o] != 0;
            from[o] = (char *)buffer[o];
        }
        if (!w->cast[0]) {
            hone__walk_call(w->kernel, m, from, step);
            continue;
        }
        char *const result = from[0];
        from[0] = (char *)buffer[0];
        step[0] = 1;
        hone__walk_call(w->kernel, m, from, step);
        w->cast[0](m, result, stride[0], buffer[0], 1);
    }
}

/* One row of n elements in pieces that go past the caches. */
static void run_pieces(const hone__walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    _Alignas(64) char piece[HONE__PAST_PIECE];
    const int64_t size = w->size[0], room = HONE__PAST_PIECE / size;
    int64_t m = room - (int64_t)((uintptr_t)at[0] % 64) / size; /* pieces end where lines do */
    for (int64_t done = 0; done < n; done += m, m = room) {
        char *from[HONE__OPERANDS] = { piece };
        m = hone__min(m, n - done);
        for (int o = 1; o < w->n; o++)
            from[o] = at[o] + done * stride[o] * w->size[o];
        if (w->casts)
            hone__walk_casting(w, m, from, stride);
        else
            hone__walk_call(w->kernel, m, from, stride);
        hone__k->write_past(m * size, at[0] + done * size, piece);
    }
}

static inline void run_row(const hone__walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    if (w->past && w->in_pieces)
        run_pieces(w, n, at, stride);
    else if (w->past)
        hone__walk_call_fn(w->kernel->arity, &w->kernel->past, n, at, stride);
    else if (w->casts)
        hone__walk_casting(w, n, at, stride);
    else
        hone__walk_call(w->kernel, n, at, stride);
}

/* Elements [begin, end) of the walk. */
static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const hone__walk *w = ctx;
    const int inner = w->ndim - 1;
    int64_t index[HONE_MAX_DIMS], stride[HONE__OPERANDS], rest = begin;
    char *at[HONE__OPERANDS];
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
        int64_t rows = 1; /* up to the next carry */
        if (inner > 0 && m == w->shape[inner])
            rows = hone__min(w->shape[inner - 1] - index[inner - 1], (end - begin) / m);
        for (int64_t row = 0; row < rows; row++) {
            run_row(w, m, at, stride);
            for (int o = 0; o < w->n && row + 1 < rows; o++) {
                const int64_t step = w->stride[o][inner - 1] * w->size[o];
                if (stride[o] == 0 && row + AHEAD < rows) /* a row waits for its one element */
                    __builtin_prefetch(at[o] + AHEAD * step);
                at[o] += step;
            }
        }
        begin += rows * m;
        if (rows > 1)
            index[inner - 1] += rows - 1;
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
    if (w->past)
        hone__k->past_end();
}

/* All operands dense: ranges need no walk. */
static void run_dense(void *ctx, int64_t begin, int64_t end)
{
    const hone__walk *w = ctx;
    char *at[HONE__OPERANDS];
    int64_t stride[HONE__OPERANDS];
    for (int o = 0; o < w->n; o++) {
        stride[o] = w->stride[o][0];
        at[o] = w->data[o] + begin * stride[o] * w->size[o];
    }
    run_row(w, end - begin, at, stride);
    if (w->past)
        hone__k->past_end();
}

/* ---- planning ---- */

static int inputs_of(const hone__elementwise_kernel *k)
{
    return k->arity == HONE__BINARY || k->arity == HONE__COMPARE ? 2
           : k->arity == HONE__FORMULA                           ? k->inputs
           : k->arity == HONE__WHERE || k->arity == HONE__UPDATE ? 3
                                                                 : 1;
}

/* A number, or the only element of a 0-d tensor of another dtype, becomes a local. True if the
 * operand is one element for all, and then ready. */
static bool take_single(hone__walk *w, int o, hone_dtype dtype, const hone__operand *in)
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

/* Few elements, of the result's shape and the kernel's dtypes, dense, in the result's memory only if
 * they are the result: what ops on small tensors nearly always are. False: it isn't so. */
static inline bool run_few(const hone__elementwise_kernel *k, hone_tensor *out,
                           const hone__operand *in, int n_in)
{
    char *at[HONE__OPERANDS];
    int64_t step[HONE__OPERANDS];
    uint64_t number[HONE__ELEMENTWISE_INPUTS];
    if (!hone__runs_inline((double)out->numel * k->ns) || !out->dense)
        return false;
    at[0] = hone__data(out);
    step[0] = 1;
    for (int i = 0; i < n_in; i++) {
        const hone_tensor *t = in[i].t;
        if (!t) {
            hone__number(k->reads[i], in[i].number, &number[i]);
            at[i + 1] = (char *)&number[i];
            step[i + 1] = 0;
            continue;
        }
        if ((hone_dtype)t->dtype != k->reads[i] || !hone__same_shape(t, out) || !t->dense ||
            (t->storage == out->storage && t->offset != out->offset))
            return false;
        at[i + 1] = hone__data(t);
        step[i + 1] = 1;
    }
    hone__walk_call(k, out->numel, at, step);
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
static bool plan_dense(hone__walk *w, hone_tensor *out, const hone__operand *in)
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
static void order_dims(hone__walk *w, const hone_tensor *out, int64_t stride[][HONE_MAX_DIMS])
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
static void merge_dims(hone__walk *w)
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

void hone__walk_plan(hone__walk *w, const hone_tensor *out, const hone__operand *in)
{
    int64_t stride[HONE__OPERANDS][HONE_MAX_DIMS];
    hone__shape shape = { .ndim = out->ndim };
    for (int d = 0; d < out->ndim; d++) {
        shape.shape[d] = out->shape[d];
        stride[0][d] = out->stride[d];
    }
    w->casts = w->kernel->narrows;
    w->past = false;
    w->cast[0] = w->casts ? hone__k->cast[HONE__F32][out->dtype] : NULL;
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

hone_tensor *hone__copy_as(hone_tensor *t, hone_dtype dtype)
{
    hone_tensor *copy = hone__own(hone__new("copy", dtype, t->ndim, t->shape));
    return copy && hone__copy_elements(copy, t) ? copy : NULL;
}

static hone_tensor *contiguous_copy(hone_tensor *t)
{
    return hone__copy_as(t, (hone_dtype)t->dtype);
}

int64_t hone__walk_bytes(const hone__walk *w)
{
    int64_t bytes = 0;
    for (int o = 0; o < w->n; o++) {
        int64_t n = w->size[o];
        for (int d = 0; d < w->ndim; d++)
            n *= w->stride[o][d] != 0 ? w->shape[d] : 1;
        bytes += n;
    }
    return bytes;
}

/* True if no kernel takes these operands past the caches: of numbers they take one, and a condition
 * is none. */
static bool needs_pieces(const hone__walk *w)
{
    const bool where = w->kernel->arity == HONE__WHERE;
    bool many = w->kernel->arity == HONE__FILL;
    for (int o = 1; o < w->n; o++) {
        const int64_t step = w->stride[o][w->ndim - 1];
        const bool condition = where && o == 1;
        if (step != 1 && (step != 0 || condition))
            return true;
        many = many || (step == 1 && !condition);
    }
    return w->casts || !many || !w->kernel->past.unary;
}

/* True if the result's rows, in memory of its own, are long, the caches can't hold what the walk
 * touches and memory is what it waits for: arithmetic would wait for the stores. */
static bool wants_past(const hone__walk *w, const hone_tensor *out, const hone__operand *in)
{
    const int inner = w->ndim - 1;
    if (out->numel * w->size[0] < PAST_LEAST || (w->kernel->ns >= HONE__NS_MATH && needs_pieces(w)))
        return false;
    for (int i = 0; i < w->n - 1; i++)
        if (in[i].t && in[i].t->storage == out->storage)
            return false;
    return w->stride[0][inner] == 1 && w->shape[inner] * w->size[0] >= PAST_ROW &&
           hone__goes_past(hone__walk_bytes(w));
}

#define NS_ROW 6.5 /* to begin one */

static double cost(const hone__walk *w)
{
    double ns = w->kernel->ns + (w->casts ? 0.5 : 0);
    for (int o = 0; o < w->n; o++)
        ns += w->stride[o][w->ndim - 1] > 1 ? 0.7 : 0;
    return ns + NS_ROW / (double)w->shape[w->ndim - 1];
}

static __attribute__((noinline)) bool run_walk(const hone__elementwise_kernel *kernel,
                                               hone_tensor *out, const hone__operand *in, int n_in)
{
    hone__walk w;
    w.kernel = kernel;
    w.n = 1 + n_in;
    w.data[0] = hone__data(out);
    w.size[0] = (int64_t)hone__size_of(out->dtype);
    for (int o = 1; o < w.n; o++)
        w.size[o] = (int64_t)hone__size_of((uint8_t)kernel->reads[o - 1]);
    w.casts = w.past = false;
    if (!kernel->narrows && plan_dense(&w, out, in)) {
        w.past = wants_past(&w, out, in);
        w.in_pieces = needs_pieces(&w);
        hone__parallel_for(out->numel, GRAIN, kernel->ns, run_dense, &w);
        return true;
    }
    HONE_SCOPE(); /* of the copies */
    hone__operand read[HONE__ELEMENTWISE_INPUTS];
    for (int i = 0; i < w.n - 1; i++) {
        read[i] = in[i];
        const hone_tensor *t = in[i].t;
        const bool other = kernel->narrows && t && t->dtype != out->dtype;
        if (other && !(kernel->exact_numbers && t->ndim == 0) &&
            !(read[i].t = hone__copy_as(in[i].t, (hone_dtype)out->dtype)))
            return false;
        if (in[i].t && overlaps(out, in[i].t) && !(read[i].t = contiguous_copy(in[i].t)))
            return false;
    }
    hone__walk_plan(&w, out, read);
    int other, cross = hone__walk_cross(&w, out->numel, &other);
    /* Blocks follow one dim: the few operands that need another are copied. From memory a copy and
     * a contiguous pass are faster than blocks. */
    const bool large = cross >= 0 && hone__exceeds_caches(hone__walk_bytes(&w));
    if (other > 0 || large) {
        for (int o = 1; o < w.n; o++)
            if ((o == other || (large && hone__walk_cross_dim(&w, o) >= 0)) &&
                !(read[o - 1].t = contiguous_copy(read[o - 1].t)))
                return false;
        hone__walk_plan(&w, out, read);
        cross = hone__walk_cross(&w, out->numel, &other);
    }
    if (cross >= 0) {
        hone__walk_blocks(&w, cross, read);
        return true;
    }
    w.past = wants_past(&w, out, read);
    w.in_pieces = needs_pieces(&w);
    hone__parallel_for(out->numel, GRAIN, cost(&w), run_range, &w);
    return true;
}

bool hone__elementwise(const hone__elementwise_kernel *kernel, hone_tensor *out,
                       const hone__operand *in)
{
    if (out->numel == 0)
        return true;
    const int n_in = inputs_of(kernel);
    return run_few(kernel, out, in, n_in) || run_walk(kernel, out, in, n_in);
}

/* ---- copies and fills ---- */

bool hone__copy_elements(hone_tensor *out, hone_tensor *x)
{
    if (out->numel == 0 || (out->storage == x->storage && same_geometry(out, x)))
        return true;
    const bool same = out->dtype == x->dtype;
    const hone__elementwise_kernel kernel = {
        .arity = HONE__UNARY,
        .fn.unary = same ? hone__k->copy[x->dtype] : hone__k->cast[x->dtype][out->dtype],
        .past.unary = same ? hone__k->copy_past[x->dtype] : NULL,
        .reads = { (hone_dtype)x->dtype },
        .ns = HONE__NS_MOVE,
    };
    if (same && !hone__contiguous(x) && !overlaps(out, x) &&
        hone__walk_transposing(out, x, &kernel))
        return true;
    return hone__elementwise(&kernel, out, &(hone__operand){ .t = x });
}

void hone__fill_elements(hone_tensor *out, double value)
{
    const hone_dtype dtype = (hone_dtype)out->dtype;
    const hone__elementwise_kernel kernel = { .arity = HONE__FILL,
                                              .fn.fill = hone__k->fill[dtype],
                                              .past.fill = hone__k->fill_past[dtype],
                                              .reads = { dtype },
                                              .ns = HONE__NS_MOVE };
    const hone__operand number = { .number = value };
    hone__elementwise(&kernel, out, &number); /* one operand, a number: can't fail */
}
