/* bench_ops.c: the suite of ops as a user calls them, allocation and checks included, nothing
 * recorded: on a few elements (what a call costs) and on matrices that fill a cache.
 *
 * An op on matrices of n elements takes [s, s], s * s = n; "strided" takes its transpose, "last dim"
 * places along that instead of the first. The rate counts what it reads and writes; the peak is a
 * copy of as much memory, for products the register tile. */
#include "bench.h"
#include "cli.h"

#include <math.h>
#include <stdlib.h>

typedef enum { X, XX, X3, XS, XD, XDK, XDD, XDX, XDXX, XT, XDCK, X3DE } signature;

/** What the operands are. */
typedef enum {
    MATRICES, /* all [s, s] in (0.5, 2) */
    PRODUCT,  /* the same; the rate is GFLOP/s; a third one is a row */
    CLASSES,  /* [s, s] and a class a row */
    CHOICE,   /* the first is bool */
    PLACES,   /* the second are places along dim 0 */
    ROWS,     /* the second and third are rows */
} operands;

typedef struct {
    const char *name, *variant;
    signature signature;
    operands operands;
    void (*function)(void);
} op;

/* ---- ops in forms of their own */

static hone_tensor *gather_last(hone_tensor *x, int dim, hone_tensor *places)
{
    (void)dim;
    return hone_gather(x, 1, places);
}

static hone_tensor *scatter_add_last(hone_tensor *x, int dim, hone_tensor *places, hone_tensor *y)
{
    (void)dim;
    return hone_scatter_add(x, 1, places, y);
}

/* Whole rows, and what is added to them. */
static hone_tensor *index_rows(hone_tensor *x, hone_tensor *places)
{
    return hone_index(x, places);
}

static hone_tensor *index_rows_backward(hone_tensor *x, hone_tensor *places)
{
    const int64_t dims[] = { hone_shape(x)[0], hone_shape(x)[1], HONE_END_DIM };
    hone_tensor *const list[] = { places, HONE_END_TENSOR };
    return hone_index_backward_v(x, dims, list);
}

static hone_tensor *transposed_clone(hone_tensor *x)
{
    return hone_clone(hone_transpose(x, 0, 1));
}

static hone_tensor *transposed_relu(hone_tensor *x)
{
    return hone_relu(hone_transpose(x, 0, 1));
}

#define FORM(name, variant, signature, operands, function)                                         \
    {                                                                                              \
#name, variant, signature, operands, (void (*)(void))function                              \
    }
#define OP(name, signature, operands) FORM(name, "contiguous", signature, operands, hone_##name)

static const op ops[] = {
    OP(neg, X, MATRICES),
    OP(relu, X, MATRICES),
    OP(exp, X, MATRICES),
    OP(log, X, MATRICES),
    OP(sqrt, X, MATRICES),
    OP(tanh, X, MATRICES),
    OP(sigmoid, X, MATRICES),
    OP(gelu, X, MATRICES),
    OP(silu, X, MATRICES),
    OP(softplus, X, MATRICES),
    OP(add, XX, MATRICES),
    OP(mul, XX, MATRICES),
    OP(div, XX, MATRICES),
    OP(pow, XX, MATRICES),
    OP(maximum, XX, MATRICES),
    OP(eq, XX, MATRICES),
    OP(where, X3, CHOICE),
    OP(add_scalar, XS, MATRICES),
    OP(mul_scalar, XS, MATRICES),
    OP(pow_scalar, XS, MATRICES),
    OP(to, XT, MATRICES),
    OP(clone, X, MATRICES),
    OP(sum, X, MATRICES),
    OP(mean, X, MATRICES),
    OP(max, X, MATRICES),
    OP(sum_dim, XDK, MATRICES),
    OP(max_dim, XDK, MATRICES),
    OP(var_dim, XDCK, MATRICES),
    OP(argmax, XDK, MATRICES),
    OP(logsumexp, XDK, MATRICES),
    OP(softmax, XD, MATRICES),
    OP(log_softmax, XD, MATRICES),
    OP(layer_norm, X3DE, ROWS),
    OP(cross_entropy, XX, CLASSES),
    OP(transpose, XDD, MATRICES),
    OP(gather, XDX, PLACES),
    OP(scatter_add, XDXX, PLACES),
    OP(matmul, XX, PRODUCT),
    OP(linear, X3, PRODUCT),
    OP(linear_relu, X3, PRODUCT),
    OP(linear_gelu, X3, PRODUCT),
    FORM(gather, "last dim", XDX, PLACES, gather_last),
    FORM(scatter_add, "last dim", XDXX, PLACES, scatter_add_last),
    FORM(index, "contiguous", XX, CLASSES, index_rows),
    FORM(index_backward, "contiguous", XX, CLASSES, index_rows_backward),
    FORM(clone, "strided", X, MATRICES, transposed_clone),
    FORM(relu, "strided", X, MATRICES, transposed_relu),
};

enum { N_OPS = sizeof ops / sizeof *ops };

typedef struct {
    union { /* first: what the peak's call takes */
        bench_memory memory;
        bench_tile tile;
    } peak;
    const op *op;
    hone_tensor *a, *b, *c;
} work;

typedef hone_tensor *fn_x(hone_tensor *);
typedef hone_tensor *fn_xx(hone_tensor *, hone_tensor *);
typedef hone_tensor *fn_x3(hone_tensor *, hone_tensor *, hone_tensor *);
typedef hone_tensor *fn_xs(hone_tensor *, double);
typedef hone_tensor *fn_xd(hone_tensor *, int);
typedef hone_tensor *fn_xdk(hone_tensor *, int, bool);
typedef hone_tensor *fn_xdd(hone_tensor *, int, int);
typedef hone_tensor *fn_xdx(hone_tensor *, int, hone_tensor *);
typedef hone_tensor *fn_xdxx(hone_tensor *, int, hone_tensor *, hone_tensor *);
typedef hone_tensor *fn_xt(hone_tensor *, hone_dtype);
typedef hone_tensor *fn_xdck(hone_tensor *, int, double, bool);
typedef hone_tensor *fn_x3de(hone_tensor *, hone_tensor *, hone_tensor *, int, double);

static hone_tensor *call(const work *w)
{
    void (*f)(void) = w->op->function;
    switch (w->op->signature) {
    case X:
        return ((fn_x *)f)(w->a);
    case XX:
        return ((fn_xx *)f)(w->a, w->b);
    case X3:
        return ((fn_x3 *)f)(w->a, w->b, w->c);
    case XS:
        return ((fn_xs *)f)(w->a, 1.5);
    case XD:
        return ((fn_xd *)f)(w->a, 1);
    case XDK:
        return ((fn_xdk *)f)(w->a, 1, false);
    case XDD:
        return ((fn_xdd *)f)(w->a, 0, 1);
    case XDX:
        return ((fn_xdx *)f)(w->a, 0, w->b);
    case XDXX:
        return ((fn_xdxx *)f)(w->a, 0, w->b, w->c);
    case XT:
        return ((fn_xt *)f)(w->a, HONE_F64);
    case XDCK:
        return ((fn_xdck *)f)(w->a, 1, 1, false);
    case X3DE:
        return ((fn_x3de *)f)(w->a, w->b, w->c, 1, 1e-5);
    }
    return NULL;
}

static bool run_op(void *ctx)
{
    HONE_SCOPE();
    return call(ctx) != NULL;
}

/* Whole numbers 0 .. s - 1 in i64. */
static hone_tensor *places(int64_t rows, int64_t cols, int64_t s)
{
    return hone_to(bench_tensor(HONE_F32, rows, cols, 0, (double)s), HONE_I64);
}

static bool make_operands(work *w, int64_t s)
{
    const operands kind = w->op->operands;
    w->a = bench_tensor(kind == CHOICE ? HONE_BOOL : HONE_F32, s, s, 0.5, 2);
    w->b = !w->a             ? NULL
           : kind == PLACES  ? places(s, s, s)
           : kind == CLASSES ? hone_reshape(places(1, s, s), s)
           : kind == ROWS    ? hone_reshape(bench_tensor(HONE_F32, 1, s, 0.5, 2), s)
                             : bench_tensor(HONE_F32, s, s, 0.5, 2);
    w->c = !w->b                             ? NULL
           : kind == PRODUCT || kind == ROWS ? hone_reshape(bench_tensor(HONE_F32, 1, s, 0.5, 2), s)
                                             : bench_tensor(HONE_F32, s, s, 0.5, 2);
    return w->c != NULL;
}

static double bytes_of(hone_tensor *t)
{
    return (double)hone_numel(t) * (double)hone_dtype_size(hone_dtype_of(t));
}

/* What a call reads and writes. */
static double traffic(const work *w, hone_tensor *out)
{
    static const int read[] = {
        [X] = 1,   [XX] = 2,  [X3] = 3,   [XS] = 1, [XD] = 1,   [XDK] = 1,
        [XDD] = 0, [XDX] = 2, [XDXX] = 3, [XT] = 1, [XDCK] = 1, [X3DE] = 3
    };
    const int n = read[w->op->signature];
    if (n == 0)
        return 0; /* a view */
    return bytes_of(out) + bytes_of(w->a) + (n > 1 ? bytes_of(w->b) : 0) +
           (n > 2 ? bytes_of(w->c) : 0);
}

static bool do_row(bench_run *run, const op *o, int64_t s)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const int threads = run->report.running;
    const bool product = o->operands == PRODUCT;
    work w = { .op = o };
    if (!make_operands(&w, s))
        return false;
    hone_tensor *out = call(&w);
    if (!out) {
        cli_library_error("bench");
        return false;
    }
    const double bytes = traffic(&w, out);
    bench_row row = { .name = o->name,
                      .dtype = "f32",
                      .variant = o->variant,
                      .level = bench_level_of(bytes),
                      .elements = s * s,
                      .flops = product };
    row.side[BENCH_HONE] =
        (bench_side){ .call = run_op, .work = product ? 2.0 * (double)(s * s) * (double)s : bytes };
    hone_tensor *to = NULL, *from = NULL;
    if (product && bench_tile_make(&w.peak.tile, false, threads)) {
        row.side[BENCH_PEAK] = bench_tile_side(&w.peak.tile);
    } else if (!product && bytes > 0) {
        const int64_t half = (int64_t)bytes / 2;
        if (!(to = bench_tensor(HONE_F32, 1, half / 4 + 1, 0, 1)) ||
            !(from = bench_tensor(HONE_F32, 1, half / 4 + 1, 0, 1)))
            return false;
        row.side[BENCH_PEAK] =
            bench_memory_side(&w.peak.memory, BENCH_COPY, threads, half, to, from, NULL);
    }
    const bool good = bench_do_row(run, &row, &w);
    if (product)
        free(w.peak.tile.panels);
    return good;
}

int bench_ops(bench_run *run, bool count)
{
    static const int64_t sides[] = { 8, 512 };
    const int64_t one = run->m > 0 ? (int64_t)sqrt((double)run->m) : 0;
    int rows = 0;
    for (int i = 0; i < N_OPS; i++) {
        if (!bench_wants_dtype(run, HONE_F32) || !bench_wants(run, ops[i].name))
            continue;
        for (int k = 0; k < (one ? 1 : 2); k++, rows++)
            if (!count && !do_row(run, &ops[i], one ? one : sides[k]))
                return -1;
    }
    return rows;
}
