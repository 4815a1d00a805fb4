/* bench_reduce.c: the suite of reductions and what goes row by row, beside passes over the same
 * memory that read, or read and write.
 *
 * contiguous: sums and the like take all n elements as one row (on one thread the kernel itself, on
 * several with the driver); softmax, its kin and layer norm take rows of 1000 (one row of n if 1000
 * does not divide n). strided: along the first axis, of [n/256, 256]. */
#include "bench.h"
#include "cli.h"

#include "isa/isa.h"
#include "loops/reduce_run.h"
#include "loops/softmax_run.h"

#include <string.h>

typedef enum { REDUCE, SOFTMAX, NORM } family;

typedef struct {
    const char *name;
    family family;
    bool reads; /* writes next to nothing */
    int kind;   /* HONE__K_... or hone__softmax_kind */
} reduction;

static const reduction reductions[] = {
    { "sum", REDUCE, true, HONE__K_SUM },
    { "sum_squares", REDUCE, true, HONE__K_SUM_SQUARES },
    { "var", REDUCE, true, HONE__K_M2 },
    { "max", REDUCE, true, HONE__K_MAX },
    { "argmax", REDUCE, true, HONE__K_ARGMAX },
    { "softmax", SOFTMAX, false, HONE__SOFTMAX },
    { "log_softmax", SOFTMAX, false, HONE__LOG_SOFTMAX },
    { "logsumexp", SOFTMAX, true, HONE__LOGSUMEXP },
    { "layer_norm", NORM, false, 0 }, /* the op: its result is new memory */
};

enum { N_REDUCTIONS = sizeof reductions / sizeof *reductions, ROW = 1000, COLS = 256 };

/* Its operands; begins with the memory's peak (bench_memory_call). */
typedef struct {
    hone__memory_pass peak;
    const reduction *r;
    hone_dtype dtype;
    bool strided;
    int64_t n;
    hone_tensor *x, *out, *weight, *bias;
    double result[COLS]; /* of reductions without a tensor: any dtype */
} work;

static bool run_reduce(void *ctx)
{
    work *w = ctx;
    if (w->peak.threads > 1 || w->strided)
        return hone__reduce(w->r->kind, w->x, w->strided ? 1 : 3, w->result);
    hone__k->reduce_rows[w->r->kind][w->dtype](1, w->n, hone_data(w->x), w->n, w->result, 1);
    return true;
}

static bool run_rows(void *ctx)
{
    work *w = ctx;
    return hone__softmax_run((hone__softmax_kind)w->r->kind, w->strided ? 0 : 1, w->out, w->x,
                             NULL);
}

static bool run_norm(void *ctx)
{
    work *w = ctx;
    HONE_SCOPE();
    return hone_layer_norm(w->x, w->weight, w->bias, 1, 1e-5) != NULL;
}

/* The peak's pass into new memory, as the op's result is: a pool hands out the block that was just
 * dropped, so both sides write the same lines and none pushes the other's out of a cache. */
static bool copy_to_new(void *ctx)
{
    work *w = ctx;
    HONE_SCOPE();
    hone_tensor *out = hone_empty(HONE_U8, w->peak.bytes);
    if (!out)
        return false;
    w->peak.to = hone_data(out);
    return bench_memory_call(ctx);
}

static bool make_operands(work *w)
{
    const int64_t row = w->n % ROW == 0 ? ROW : w->n;
    const int64_t cols = w->strided               ? COLS
                         : w->r->family != REDUCE ? row
                                                  : w->n,
                  rows = w->n / cols;
    if (!(w->x = bench_tensor(w->dtype, rows, cols, -4, 4)))
        return false;
    if (w->r->family == REDUCE)
        return true;
    w->weight = hone_reshape(bench_tensor(w->dtype, 1, cols, 0, 1), cols);
    w->bias = hone_reshape(bench_tensor(w->dtype, 1, cols, 0, 1), cols);
    if (w->r->family == NORM)
        return w->weight && w->bias;
    const bool all = !w->r->reads;
    w->out = w->strided ? bench_tensor(w->dtype, all ? rows : 1, cols, 0, 1)
                        : bench_tensor(w->dtype, rows, all ? cols : 1, 0, 1);
    return w->weight && w->bias && w->out;
}

static bool do_row(bench_run *run, const reduction *r, hone_dtype dtype, hone__mem_level level,
                   int64_t n, bool strided)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    work w = { .r = r, .dtype = dtype, .n = n, .strided = strided };
    if (!make_operands(&w))
        return false;
    static const bench_call calls[] = { run_reduce, run_rows, run_norm };
    const int64_t bytes = n * (int64_t)hone_dtype_size(dtype);
    const hone__stream mix = r->reads ? HONE__STREAM_READ : HONE__STREAM_COPY;
    bench_row row = { .name = r->name,
                      .dtype = hone_dtype_name(dtype),
                      .variant = strided ? "strided" : "contiguous",
                      .level = level,
                      .elements = n };
    row.side[BENCH_PEAK] =
        bench_memory_side(&w.peak, mix, run->report.running, bytes, w.out, w.x, NULL);
    if (r->family == NORM)
        row.side[BENCH_PEAK].call = copy_to_new;
    row.side[BENCH_HONE] = (bench_side){ .call = calls[r->family],
                                         .work = (double)bytes * hone__stream_operands(mix) };
    return bench_do_row(run, &row, &w);
}

/* Rows of one reduction, or how many; -1 on failure. */
static int do_reduction(bench_run *run, const reduction *r, bool count)
{
    const int operands = r->reads ? 1 : 2;
    int rows = 0;
    if (run->m > 0) {
        const hone_dtype dtype = bench_wants_dtype(run, HONE_F32) ? HONE_F32 : HONE_F64;
        const hone__mem_level level =
            hone__mem_level_of((double)run->m * (double)(operands * (int)hone_dtype_size(dtype)));
        return count || do_row(run, r, dtype, level, run->m, false) ? 1 : -1;
    }
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++) {
        for (hone__mem_level level = HONE__MEM_L1; level < HONE__MEM_LEVELS; level++) {
            const int64_t unit = r->family == REDUCE ? COLS : ROW;
            const int64_t n = bench_level_elements(level, operands, dtype, unit);
            const int64_t columns = n / COLS * COLS;
            if (n == 0 || !bench_wants_dtype(run, dtype) ||
                (dtype == HONE_F64 && level != HONE__MEM_L2))
                continue;
            const bool both = r->family != NORM; /* which takes the last dims only */
            if (!count && (!do_row(run, r, dtype, level, n, false) ||
                           (both && !do_row(run, r, dtype, level, columns, true))))
                return -1;
            rows += both ? 2 : 1;
        }
    }
    if (r->family == REDUCE || !bench_wants_dtype(run, HONE_F32))
        return rows;
    const int64_t square = ROW * ROW; /* 1000 x 1000 */
    const hone__mem_level level = hone__mem_level_of((double)square * 4 * operands);
    return count || do_row(run, r, HONE_F32, level, square, false) ? rows + 1 : -1;
}

int bench_reduce(bench_run *run, bool count)
{
    int rows = 0;
    for (int i = 0; i < N_REDUCTIONS; i++) {
        if (!bench_wants(run, reductions[i].name))
            continue;
        const int n = do_reduction(run, &reductions[i], count);
        if (n < 0)
            return -1;
        rows += n;
    }
    return rows;
}
