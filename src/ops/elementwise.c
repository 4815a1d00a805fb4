/* elementwise.c: the driver of elementwise.h. */
#include "ops/elementwise.h"

#include "ops/past.h"
#include "ops/rows.h"
#include "runtime/parallel.h"

#include <string.h>

enum {
    OPERANDS = 1 + HONE__ELEMENTWISE_INPUTS, /* the result first */
    STRETCH = 512,                           /* elements cast at a time, on the stack */
    AHEAD = 4,                               /* rows asked for before their turn */
    GRAIN = 16,                              /* threads write whole cache lines */
    BLOCK_INNER = 128,                       /* elements of a block's rows ... */
    BLOCK_CROSS = 256,                       /* ... and bytes of its columns */
    BLOCK_ROOM = 40 * 1024,                  /* bytes of a gathered block with gaps between rows */
    GATHER_FIRST = 1024,                     /* elements from which blocks are worth it */
    COPY_INNER = 1024,                       /* extents of a block that is only copied */
    COPY_CROSS = 64,
    COPY_INNER_LARGE = 1024, /* the same when it comes from memory */
    COPY_CROSS_LARGE = 1024,
    PAST_ROW = 1024,     /* bytes of the result's rows from which they go past the caches ... */
    PAST_LEAST = 1 << 20 /* ... and of the whole result */
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
    bool past, in_pieces;     /* the result's rows go past the caches; no kernel does that itself */
    uint64_t local[OPERANDS]; /* room for a number */
} walk;

/* ---- running ---- */

static inline void call_fn(hone__arity arity, const hone__elementwise_fn *fn, int64_t n,
                           char *const *at, const int64_t *stride)
{
    switch (arity) {
    case HONE__UNARY:
        fn->unary(n, at[0], stride[0], at[1], stride[1]);
        break;
    case HONE__BINARY:
        fn->binary(n, at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__COMPARE:
        fn->compare(n, (uint8_t *)at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__WHERE:
        fn->where(n, at[0], stride[0], (const uint8_t *)at[1], stride[1], at[2], stride[2], at[3],
                  stride[3]);
        break;
    case HONE__FILL:
        fn->fill(n, at[0], stride[0], at[1]);
        break;
    }
}

static inline void call_kernel(const hone__elementwise_kernel *k, int64_t n, char *const *at,
                               const int64_t *stride)
{
    call_fn(k->arity, &k->fn, n, at, stride);
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

/* One row of n elements in pieces that go past the caches. */
static void run_pieces(const walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    _Alignas(64) char piece[HONE__PAST_PIECE];
    const int64_t size = w->size[0], room = HONE__PAST_PIECE / size;
    int64_t m = room - (int64_t)((uintptr_t)at[0] % 64) / size; /* pieces end where lines do */
    for (int64_t done = 0; done < n; done += m, m = room) {
        char *from[OPERANDS] = { piece };
        m = hone__min(m, n - done);
        for (int o = 1; o < w->n; o++)
            from[o] = at[o] + done * stride[o] * w->size[o];
        if (w->casts)
            run_casting(w, m, from, stride);
        else
            call_kernel(w->kernel, m, from, stride);
        hone__k->write_past(m * size, at[0] + done * size, piece);
    }
}

static inline void run_row(const walk *w, int64_t n, char *const *at, const int64_t *stride)
{
    if (w->past && w->in_pieces)
        run_pieces(w, n, at, stride);
    else if (w->past)
        call_fn(w->kernel->arity, &w->kernel->past, n, at, stride);
    else if (w->casts)
        run_casting(w, n, at, stride);
    else
        call_kernel(w->kernel, n, at, stride);
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
    const walk *w = ctx;
    char *at[OPERANDS];
    int64_t stride[OPERANDS];
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
    w->casts = w->past = false;
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

static hone_tensor *contiguous_copy(hone_tensor *t)
{
    hone_tensor *copy = hone__own(hone__new("copy", (hone_dtype)t->dtype, t->ndim, t->shape));
    return copy && hone__copy_elements(copy, t) ? copy : NULL;
}

/* What the walk reads and writes: nothing twice, as dims of stride 0 would. */
static int64_t bytes_of(const walk *w)
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

/* True if no kernel takes these operands past the caches. */
static bool needs_pieces(const walk *w)
{
    bool many = w->kernel->arity == HONE__FILL;
    for (int o = 1; o < w->n; o++) {
        const int64_t step = w->stride[o][w->ndim - 1];
        if (step != 0 && step != 1)
            return true;
        many = many || step == 1;
    }
    return w->casts || !many || !w->kernel->past.unary;
}

/* True if the result's rows, in memory of its own, are long, the caches can't hold what the walk
 * touches and memory is what it waits for: arithmetic would wait for the stores. */
static bool wants_past(const walk *w, const hone_tensor *out, const hone__operand *in)
{
    const int inner = w->ndim - 1;
    if (out->numel * w->size[0] < PAST_LEAST || w->kernel->ns >= HONE__NS_MATH)
        return false;
    for (int i = 0; i < w->n - 1; i++)
        if (in[i].t && in[i].t->storage == out->storage)
            return false;
    return w->stride[0][inner] == 1 && w->shape[inner] * w->size[0] >= PAST_ROW &&
           hone__goes_past(bytes_of(w));
}

/* ---- blocks ----
 *
 * An operand whose contiguous direction is not the result's is read in blocks of the two
 * directions, by the transpose kernel: a whole cache line of each row that it touches. */

/* Planes of two dims: the result is contiguous along `inner`, some operand along `cross`. */
typedef struct {
    walk w; /* the dims outside the plane */
    int64_t planes, inner, cross;
    int64_t inner_step[OPERANDS], cross_step[OPERANDS];
    int64_t block_inner, block_cross; /* extents of a block */
    int64_t inner_blocks, cross_blocks;
    hone__transpose_fn gather[OPERANDS]; /* NULL: the operand is read where it lies */
} crossing;

/* The dim along which the operand is contiguous while it jumps along the innermost; -1: none. */
static int cross_dim(const walk *w, int o)
{
    const int inner = w->ndim - 1;
    for (int d = 0; d < inner; d++)
        if (w->stride[o][d] == 1 && w->stride[o][inner] > 1)
            return d;
    return -1;
}

/* Takes the two dims out of the walk. */
static void plan_crossing(crossing *c, int cross, int64_t block_inner, int64_t block_cross)
{
    walk *w = &c->w;
    const int inner = w->ndim - 1;
    c->inner = w->shape[inner];
    c->cross = w->shape[cross];
    for (int o = 0; o < w->n; o++) {
        c->inner_step[o] = w->stride[o][inner];
        c->cross_step[o] = w->stride[o][cross];
        for (int d = cross; d + 1 < inner; d++)
            w->stride[o][d] = w->stride[o][d + 1];
    }
    c->planes = 1;
    w->ndim -= 2;
    for (int d = cross; d < w->ndim; d++)
        w->shape[d] = w->shape[d + 1];
    for (int d = 0; d < w->ndim; d++)
        c->planes *= w->shape[d];
    c->block_inner = hone__min(c->inner, block_inner);
    c->block_cross = hone__min(c->cross, block_cross);
    c->inner_blocks = (c->inner + c->block_inner - 1) / c->block_inner;
    c->cross_blocks = (c->cross + c->block_cross - 1) / c->block_cross;
}

/* Where block i begins in each operand, and its extents. Neighbours along `cross` follow each
 * other: they share the pages, and often the cache lines, of what is gathered. */
static void find_block(const crossing *c, int64_t i, char **at, int64_t *inner, int64_t *cross)
{
    const walk *w = &c->w;
    const int64_t k = i % c->cross_blocks * c->block_cross;
    i /= c->cross_blocks;
    const int64_t j = i % c->inner_blocks * c->block_inner;
    i /= c->inner_blocks;
    for (int o = 0; o < w->n; o++)
        at[o] = w->data[o] + (j * c->inner_step[o] + k * c->cross_step[o]) * w->size[o];
    for (int d = w->ndim - 1; d >= 0; d--) {
        for (int o = 0; o < w->n; o++)
            at[o] += i % w->shape[d] * w->stride[o][d] * w->size[o];
        i /= w->shape[d];
    }
    *inner = hone__min(c->inner - j, c->block_inner);
    *cross = hone__min(c->cross - k, c->block_cross);
}

/* Blocks [begin, end): what lies across is gathered, then row by row. */
static void run_gathering(void *ctx, int64_t begin, int64_t end)
{
    const crossing *c = ctx;
    const walk *w = &c->w;
    _Alignas(64) char room[HONE__ELEMENTWISE_INPUTS][BLOCK_ROOM];
    for (int64_t i = begin; i < end; i++) {
        int64_t inner, cross, stride[OPERANDS], step[OPERANDS];
        char *at[OPERANDS];
        find_block(c, i, at, &inner, &cross);
        for (int o = 0; o < w->n; o++) {
            stride[o] = c->inner_step[o];
            step[o] = c->cross_step[o] * w->size[o];
            if (!c->gather[o])
                continue;
            /* a line more than the block is wide, lest all rows fall into the same cache sets */
            const int64_t ld = c->block_inner + 64 / w->size[o];
            c->gather[o](inner, cross, room[o - 1], ld, at[o], stride[o]);
            at[o] = room[o - 1];
            stride[o] = 1;
            step[o] = ld * w->size[o];
        }
        for (int64_t k = 0; k < cross; k++) {
            if (w->casts)
                run_casting(w, inner, at, stride);
            else
                call_kernel(w->kernel, inner, at, stride);
            for (int o = 0; o < w->n; o++)
                at[o] += step[o];
        }
    }
}

/* Blocks [begin, end) of a copy: straight to the result. */
static void run_transposing(void *ctx, int64_t begin, int64_t end)
{
    const crossing *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t inner, cross;
        char *at[OPERANDS];
        find_block(c, i, at, &inner, &cross);
        c->gather[1](inner, cross, at[0], c->cross_step[0], at[1], c->inner_step[1]);
    }
}

static void run_blocks(crossing *c, hone__range_body run, double ns)
{
    hone__parallel_for(c->planes * c->inner_blocks * c->cross_blocks, 1,
                       ns * (double)(c->block_inner * hone__min(c->cross, c->block_cross)), run, c);
}

static double cost(const walk *w)
{
    double ns = w->kernel->ns + (w->casts ? 0.5 : 0);
    for (int o = 0; o < w->n; o++)
        ns += w->stride[o][w->ndim - 1] > 1 ? 0.7 : 0;
    return ns;
}

/* Runs the walk by blocks that gather the operands that lie across along that dim. */
static void gather_blocks(const walk *w, int cross, const hone__operand *in)
{
    crossing c = { .w = *w };
    int64_t size = 1;
    for (int o = 1; o < w->n; o++) {
        if (cross_dim(w, o) != cross)
            continue;
        c.gather[o] = hone__k->transpose[in[o - 1].t->dtype];
        if (w->size[o] > size)
            size = w->size[o];
    }
    const double ns = w->kernel->ns + (w->casts ? 0.5 : 0) + HONE__NS_MOVE;
    plan_crossing(&c, cross, BLOCK_INNER, BLOCK_CROSS / (size < 4 ? 4 : size));
    run_blocks(&c, run_gathering, ns);
}

/* The dim that blocks are worth, -1 if none. *other: an operand that lies across along a dim of its
 * own, 0 if none. */
static int find_cross(const walk *w, int64_t numel, int *other)
{
    const int inner = w->ndim - 1;
    int cross = -1;
    *other = 0;
    for (int o = 1; o < w->n && numel >= GATHER_FIRST; o++) {
        const int d = cross_dim(w, o);
        if (d < 0 || w->shape[d] < GRAIN || w->shape[inner] < GRAIN)
            continue;
        if (cross < 0)
            cross = d;
        else if (cross != d)
            *other = o;
    }
    return cross;
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
    w.casts = w.past = false;
    if (plan_dense(&w, out, in)) {
        w.past = wants_past(&w, out, in);
        w.in_pieces = needs_pieces(&w);
        hone__parallel_for(out->numel, GRAIN, kernel->ns, run_dense, &w);
        return true;
    }
    HONE_SCOPE(); /* of the copies */
    hone__operand read[HONE__ELEMENTWISE_INPUTS];
    for (int i = 0; i < w.n - 1; i++) {
        read[i] = in[i];
        if (in[i].t && overlaps(out, in[i].t) && !(read[i].t = contiguous_copy(in[i].t)))
            return false;
    }
    plan_strided(&w, out, read);
    int other, cross = find_cross(&w, out->numel, &other);
    /* Blocks follow one dim: the few operands that need another are copied. From memory a copy and
     * a contiguous pass are faster than blocks. */
    const bool large = cross >= 0 && hone__exceeds_caches(bytes_of(&w));
    if (other > 0 || large) {
        for (int o = 1; o < w.n; o++)
            if ((o == other || (large && cross_dim(&w, o) >= 0)) &&
                !(read[o - 1].t = contiguous_copy(read[o - 1].t)))
                return false;
        plan_strided(&w, out, read);
        cross = find_cross(&w, out->numel, &other);
    }
    if (cross >= 0) {
        gather_blocks(&w, cross, read);
        return true;
    }
    w.past = wants_past(&w, out, read);
    w.in_pieces = needs_pieces(&w);
    hone__parallel_for(out->numel, GRAIN, cost(&w), run_range, &w);
    return true;
}

/* ---- copies and fills ---- */

/* A copy whose contiguous direction changes; false if it doesn't. */
static bool copy_transposing(hone_tensor *out, hone_tensor *x,
                             const hone__elementwise_kernel *kernel)
{
    crossing c = { .w.kernel = kernel, .w.n = 2 };
    walk *w = &c.w;
    w->data[0] = hone__data(out);
    w->size[0] = (int64_t)hone__size_of(out->dtype);
    plan_strided(w, out, &(hone__operand){ .t = x });
    const int cross = cross_dim(w, 1);
    if (cross < 0 || w->stride[0][w->ndim - 1] != 1)
        return false;
    const bool large = hone__exceeds_caches(bytes_of(w));
    c.gather[1] = (large ? hone__k->transpose_past : hone__k->transpose)[out->dtype];
    plan_crossing(&c, cross, large ? COPY_INNER_LARGE : COPY_INNER,
                  large ? COPY_CROSS_LARGE : COPY_CROSS);
    run_blocks(&c, run_transposing, 1);
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
        .past.unary = same ? hone__k->copy_past[x->dtype] : NULL,
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
                                              .past.fill = hone__k->fill_past[dtype],
                                              .reads = { dtype },
                                              .ns = HONE__NS_MOVE };
    const hone__operand number = { .number = value };
    hone__elementwise(&kernel, out, &number); /* one operand, a number: can't fail */
}
