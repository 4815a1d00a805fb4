/* bench_elementwise.c: the suite of functions of an element, beside passes over the same memory
 * with the same mix of reads and writes, and beside SLEEF.
 *
 * contiguous: the kernel itself, cut over the threads as the ops cut it. broadcast: [n/1024, 1024]
 * and a row, "broadcast column": and a column. strided: the first operand is transposed,
 * [1024, n/1024] in memory; "strided 1000": with rows of 1000. All with the driver that the ops
 * use. */
#include "bench.h"
#include "cli.h"

#include "isa/isa.h"
#include "loops/elementwise.h"
#include "ops/optimize.h"
#include "runtime/parallel.h"

#include <string.h>

typedef enum { UNARY, BINARY, COMPARE, COPY, FILL, WHERE, SGD, ADAMW, UNIFORM, NORMAL } form;

typedef struct {
    const char *name;
    form form;
    int kernel; /* HONE__K_... */
    double low, high;
    double ns; /* an element, for the cost model */
} function;

/* Every row of kernels.def, and the kernels without a number. */
#define UNARY_KERNEL(NAME, name, dtypes, cost, past, ulp, low, high)                               \
    { #name, UNARY, HONE__K_##NAME, low, high, HONE__NS_##cost },
#define BINARY_KERNEL(NAME, name, dtypes, cost, past, loops, low, high)                            \
    { #name, BINARY, HONE__K_##NAME, low, high, HONE__NS_##cost },
#define COMPARE_KERNEL(NAME, name, sign) { #name, COMPARE, HONE__K_##NAME, -4, 4, HONE__NS_MOVE },

static const function functions[] = {
    { "copy", COPY, 0, -4, 4, HONE__NS_MOVE },   { "fill", FILL, 0, -4, 4, HONE__NS_MOVE },
    { "where", WHERE, 0, -4, 4, HONE__NS_MOVE }, { "sgd_step", SGD, 0, -4, 4, HONE__NS_MOVE },
    { "adamw_step", ADAMW, 0, -4, 4, 0 },
#include "kernels/kernels.def"
    { "rand", UNIFORM, 0, 0, 1, HONE__NS_MATH }, { "randn", NORMAL, 0, 0, 1, HONE__NS_MATH },
};

enum { N_FUNCTIONS = sizeof functions / sizeof *functions, COLS = 1024 };

/* Its operands; begins with the memory's peak (bench_memory_call). */
typedef struct {
    hone__memory_pass peak;
    const function *f;
    hone_dtype dtype;
    int64_t n;
    hone_tensor *out, *a, *b, *truths; /* truths: where's condition, a comparison's result */
    hone_tensor *state[2];             /* of adamw */
    hone__elementwise_kernel kernel;   /* for the driver */
    void (*peer)(void);
} work;

/* ---- hone */

static void kernel_body(void *ctx, int64_t begin, int64_t end)
{
    const work *w = ctx;
    const int64_t at = begin * (int64_t)hone_dtype_size(w->dtype), n = end - begin;
    char *out = (char *)hone_data(w->out) + at;
    const char *a = w->a ? (char *)hone_data(w->a) + at : NULL;
    const char *b = w->b ? (char *)hone_data(w->b) + at : NULL;
    static const float one_f32 = 1;
    static const double one_f64 = 1;
    const void *one = w->dtype == HONE_F64 ? (const void *)&one_f64 : &one_f32;
    switch (w->f->form) {
    case UNARY:
        hone__k->unary[w->f->kernel][w->dtype](n, out, 1, a, 1);
        break;
    case BINARY:
        hone__k->binary[w->f->kernel][w->dtype](n, out, 1, a, 1, b, 1);
        break;
    case COMPARE:
        hone__k->compare[w->f->kernel][w->dtype](n, (uint8_t *)hone_data(w->truths) + begin, 1, a,
                                                 1, b, 1);
        break;
    case COPY:
        hone__k->copy[w->dtype](n, out, 1, a, 1);
        break;
    case FILL:
        hone__k->fill[w->dtype](n, out, 1, one);
        break;
    case WHERE:
        hone__k->where[w->dtype](n, out, 1, (uint8_t *)hone_data(w->truths) + begin, 1, a, 1, b, 1);
        break;
    case SGD:
        hone__k->step[HONE__K_SGD][w->dtype](n, out, a, NULL, &(hone__sgd_args){ .lr = 1e-6 });
        break;
    case ADAMW: /* run_driver's */
        break;
    case UNIFORM:
        hone__k->uniform[w->dtype](n, out, 1, 2, (uint64_t)begin);
        break;
    case NORMAL:
        hone__k->normal[w->dtype](n, out, 1, 2, (uint64_t)begin);
        break;
    }
}

static bool run_kernel(void *ctx)
{
    work *w = ctx;
    if (w->peak.threads == 1)
        kernel_body(w, 0, w->n);
    else
        hone__parallel_for(w->n, COLS, w->f->ns, kernel_body, w);
    return true;
}

/* Of a step in which nothing moves far, as often as it is made. */
static const hone__adam_args adamw = {
    .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .shrink = 1 - 1e-8, .root = 1, .rate = 1e-6
};

static bool run_driver(void *ctx)
{
    work *w = ctx;
    if (w->f->form == COPY)
        return hone__copy_elements(w->out, w->a);
    if (w->f->form == FILL) {
        hone__fill_elements(w->out, 1);
        return true;
    }
    if (w->f->form == ADAMW)
        return hone__adam_step(w->out, w->a, w->state, &adamw) == HONE_OK;
    const hone__operand in[] = { { .t = w->truths }, { .t = w->a }, { .t = w->b } };
    return hone__elementwise(&w->kernel, w->f->form == COMPARE ? w->truths : w->out,
                             w->f->form == WHERE ? in : in + 1);
}

/* ---- SLEEF, cut over the threads in the same way */

static void peer_body(void *ctx, int64_t begin, int64_t end)
{
    const work *w = ctx;
    const hone__peaks *peaks = hone__peaks_get();
    const int64_t n = (end - begin + 63) / 64 * 64; /* bench_tensor has room behind */
    const int64_t at = begin * (int64_t)hone_dtype_size(w->dtype);
    void *out = (char *)hone_data(w->out) + at;
    const void *a = (char *)hone_data(w->a) + at;
    const void *b = w->b ? (char *)hone_data(w->b) + at : NULL;
    if (w->dtype == HONE_F64)
        peaks->map_f64(n, out, a, b, w->peer);
    else
        peaks->map_f32(n, out, a, b, w->peer);
}

static bool run_peer(void *ctx)
{
    work *w = ctx;
    if (w->peak.threads == 1)
        peer_body(w, 0, w->n);
    else
        hone__parallel_for(w->n, COLS, w->f->ns, peer_body, w);
    return true;
}

/* ---- rows */

static hone__stream stream_of(form f)
{
    static const hone__stream streams[] = {
        [UNARY] = HONE__STREAM_COPY,    [BINARY] = HONE__STREAM_ADD,
        [COMPARE] = HONE__STREAM_ADD,   [COPY] = HONE__STREAM_COPY,
        [FILL] = HONE__STREAM_WRITE,    [WHERE] = HONE__STREAM_ADD,
        [SGD] = HONE__STREAM_UPDATE,    [ADAMW] = HONE__STREAM_UPDATE,
        [UNIFORM] = HONE__STREAM_WRITE, [NORMAL] = HONE__STREAM_WRITE,
    };
    return streams[f];
}

/* Operands that are moved: of adamw p, m and v both ways, and g. */
static int moves_of(form f)
{
    return f == ADAMW ? 7 : hone__stream_operands(stream_of(f));
}

/* The operands of the row, all contiguous; false with an error printed. */
static bool make_operands(work *w, hone__stream stream)
{
    const function *f = w->f;
    const bool reads = stream != HONE__STREAM_WRITE, two = stream == HONE__STREAM_ADD;
    w->out = bench_tensor(w->dtype, 1, w->n, f->low, f->high);
    w->a = reads && w->out ? bench_tensor(w->dtype, 1, w->n, f->low, f->high) : NULL;
    w->b = two && w->a ? bench_tensor(w->dtype, 1, w->n, f->low, f->high) : NULL;
    for (int i = 0; f->form == ADAMW && i < 2; i++)
        if (!(w->state[i] = bench_tensor(w->dtype, 1, w->n, 0, 1)))
            return false;
    const bool truths = f->form == WHERE || f->form == COMPARE;
    w->truths = truths && w->b ? bench_tensor(HONE_BOOL, 1, w->n, 0, 1) : NULL;
    return w->out && (!reads || w->a) && (!two || w->b) && (!truths || w->truths);
}

static int64_t cols_of(const char *variant)
{
    return strcmp(variant, "strided 1000") == 0 ? 1000 : COLS;
}

/* Broadcast: b becomes one row or column. Strided: a becomes the transpose of a matrix. */
static bool make_views(work *w, const char *variant)
{
    const int64_t cols = cols_of(variant), rows = w->n / cols;
    const bool binary = w->f->form == BINARY, strided = strncmp(variant, "strided", 7) == 0;
    const bool column = strcmp(variant, "broadcast column") == 0;
    w->out = hone_reshape(w->out, rows, cols);
    w->a = strided ? hone_transpose(hone_reshape(w->a, cols, rows), 0, 1)
                   : hone_reshape(w->a, rows, cols);
    if (binary)
        w->b = strided ? hone_reshape(w->b, rows, cols)
                       : hone_slice(hone_reshape(w->b, rows, cols), column, 0, 1, 1);
    return w->out && w->a && (!binary || w->b);
}

/* What the driver runs. */
static void make_kernel(work *w)
{
    if (w->f->form == BINARY)
        w->kernel = hone__binary_kernel(w->f->kernel, w->dtype);
    else if (w->f->form == COMPARE)
        w->kernel = hone__compare_kernel(w->f->kernel, w->dtype);
    else if (w->f->form == WHERE)
        w->kernel = hone__where_kernel(w->dtype);
    else
        w->kernel = hone__unary_kernel(w->f->kernel, w->dtype);
}

static bool do_row(bench_run *run, const function *f, hone_dtype dtype, hone__mem_level level,
                   int64_t n, const char *variant)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const bool contiguous = strcmp(variant, "contiguous") == 0;
    /* What is larger than the caches is the driver's to handle, and so are views. */
    const bool driver =
        !contiguous || f->form == ADAMW || (level == HONE__MEM_DRAM && f->form <= WHERE);
    const bool broadcast = strncmp(variant, "broadcast", 9) == 0;
    const hone__stream stream = stream_of(f->form);
    const int64_t bytes = n * (int64_t)hone_dtype_size(dtype);
    work w = { .f = f, .dtype = dtype, .n = n };
    if (!make_operands(&w, stream))
        return false;
    bench_row row = { .name = f->name,
                      .dtype = hone_dtype_name(dtype),
                      .variant = variant,
                      .level = level,
                      .elements = n };
    /* One row instead of a matrix is read: a copy's mix. */
    const hone__stream mix = broadcast ? HONE__STREAM_COPY : stream;
    row.side[BENCH_PEAK] =
        bench_memory_side(&w.peak, mix, run->report.running, bytes, w.out, w.a, w.b);
    double work_bytes =
        (double)bytes * (broadcast ? hone__stream_operands(mix) : moves_of(f->form));
    if (f->form == WHERE)
        work_bytes += (double)n;
    else if (f->form == COMPARE) /* bytes instead of elements are written */
        work_bytes += (double)n - (double)bytes;
    row.side[BENCH_HONE] =
        (bench_side){ .call = driver ? run_driver : run_kernel, .work = work_bytes };
    if (run->report.n_peers > 0 && (f->form == UNARY || f->form == BINARY) && contiguous) {
        w.peer = bench_sleef_find(&run->report.peer[0], f->name, dtype == HONE_F64);
        if (w.peer)
            row.side[BENCH_PEERS] =
                (bench_side){ .call = run_peer, .work = row.side[BENCH_HONE].work };
    }
    make_kernel(&w);
    if (!contiguous && !make_views(&w, variant)) {
        cli_library_error("bench");
        return false;
    }
    return bench_do_row(run, &row, &w);
}

/* Rows of one function, or how many; -1 on failure. */
static int do_function(bench_run *run, const function *f, bool count)
{
    const int operands = moves_of(f->form);
    int rows = 0;
    if (run->m > 0) {
        const hone_dtype dtype = bench_wants_dtype(run, HONE_F32) ? HONE_F32 : HONE_F64;
        const hone__mem_level level =
            hone__mem_level_of((double)run->m * (double)(operands * (int)hone_dtype_size(dtype)));
        return count || do_row(run, f, dtype, level, run->m, "contiguous") ? 1 : -1;
    }
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++) {
        for (hone__mem_level level = HONE__MEM_L1; level < HONE__MEM_LEVELS; level++) {
            const int64_t unit = level == HONE__MEM_L1 ? 64 : COLS; /* L1 has no views */
            const int64_t n = bench_level_elements(level, operands, dtype, unit);
            if (n == 0 || !bench_wants_dtype(run, dtype) ||
                (dtype == HONE_F64 && level != HONE__MEM_L2))
                continue;
            const bool views = level >= HONE__MEM_L2 && dtype == HONE_F32 &&
                               (strcmp(f->name, "add") == 0 || strcmp(f->name, "copy") == 0);
            static const char *const variants[] = { "contiguous", "strided", "strided 1000",
                                                    "broadcast", "broadcast column" };
            const int n_variants = !views ? 1 : f->form == BINARY ? 5 : 3;
            for (int v = 0; v < n_variants; v++, rows++) {
                /* one row or column instead of a matrix leaves a copy's bytes */
                const int64_t m = strncmp(variants[v], "broadcast", 9) == 0
                                      ? bench_level_elements(level, 2, dtype, unit)
                                      : n;
                const int64_t whole = m / cols_of(variants[v]) * cols_of(variants[v]);
                if (!count && !do_row(run, f, dtype, level, v ? whole : n, variants[v]))
                    return -1;
            }
        }
    }
    return rows;
}

int bench_elementwise(bench_run *run, bool count)
{
    int rows = 0;
    for (int i = 0; i < N_FUNCTIONS; i++) {
        if (!bench_wants(run, functions[i].name))
            continue;
        const int n = do_function(run, &functions[i], count);
        if (n < 0)
            return -1;
        rows += n;
    }
    return rows;
}
