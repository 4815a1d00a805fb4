/* bench_gemm.c: the suite of matrix products beside the register tile in L1, pure FMA and peers;
 * the product of a matrix and a vector beside reading the matrix. */
#include "bench.h"
#include "cli.h"

#include "core/half.h"
#include "gemm/gemm.h"
#include "gemm/pairs.h"

#include <hone/hone.h>
#include <stdlib.h>
#include <string.h>

typedef bench_product shape;

static const shape targets[] = {
    { .m = 256, .n = 256, .k = 256 },
    { .m = 512, .n = 512, .k = 512 },
    { .m = 1024, .n = 1024, .k = 1024 },
    { .m = 2048, .n = 2048, .k = 2048 },
    { .m = 512, .n = 3072, .k = 768 },
    { .m = 512, .n = 768, .k = 3072 },
    { .m = 100, .n = 100, .k = 784 },
    { .m = 784, .n = 100, .k = 100, .ta = true },
    { .m = 32, .n = 64, .k = 576 },
    { .m = 100, .n = 10, .k = 100 },
    { .m = 100, .n = 784, .k = 100, .tb = true },
    { .m = 64, .n = 1024, .k = 1024 },
    { .m = 256, .n = 4096, .k = 784 },
    { .m = 1, .n = 1024, .k = 1024 },
    { .m = 1024, .n = 1, .k = 1024 },
    { .m = 256, .n = 256, .k = 256, .ta = true, .tb = true },
    /* of a training step: forward, the gradient of the input, of the weight */
    { .m = 128, .n = 512, .k = 784 },
    { .m = 64, .n = 1024, .k = 1024, .tb = true },
    { .m = 1024, .n = 1024, .k = 64, .ta = true, .accumulate = true },
    { .m = 784, .n = 512, .k = 128, .ta = true, .accumulate = true },
    { .m = 512, .n = 512, .k = 128, .ta = true },
    /* of attention: scores and their mean of the values */
    { .m = 128, .n = 128, .k = 64, .tb = true, .batch = 64 },
    { .m = 128, .n = 64, .k = 128, .batch = 64 },
    { .m = 256, .n = 256, .k = 256, .f64 = true },
    { .m = 1024, .n = 1024, .k = 1024, .f64 = true },
    { .m = 100, .n = 100, .k = 784, .f64 = true },
    { .m = 100, .n = 784, .k = 100, .tb = true, .f64 = true },
    /* bf16: GPT-2's shapes forward, with gradients; one row by a matrix */
    { .m = 1024, .n = 1024, .k = 1024, .bf16 = true },
    { .m = 512, .n = 3072, .k = 768, .bf16 = true },
    { .m = 512, .n = 768, .k = 3072, .bf16 = true },
    { .m = 2048, .n = 768, .k = 768, .bf16 = true },
    { .m = 512, .n = 768, .k = 3072, .tb = true, .bf16 = true },
    { .m = 768, .n = 3072, .k = 512, .ta = true, .bf16 = true },
    { .m = 64, .n = 64, .k = 64, .batch = 48, .bf16 = true },
    { .m = 1, .n = 3072, .k = 768, .bf16 = true },
    { .m = 1, .n = 3072, .k = 768, .tb = true, .bf16 = true },
};

enum { N_TARGETS = sizeof targets / sizeof *targets };

/* The squares that look for dips: 8, 16, 24, 32, 48 ... 128, 192 ... 448 (256 and 512 are above);
 * 0 after the last. */
static int64_t square(int i)
{
    static const int64_t sides[] = {
        8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 192, 320, 384, 448, 0
    };
    return sides[i];
}

/* One row's operands. */
typedef struct {
    hone__tile tile; /* first: the peak's call takes it */
    hone__memory_pass read;
    shape s;
    void *a, *b, *c;
    const bench_peer *peer;
} work;

static int batch_of(const shape *s)
{
    return s->batch > 0 ? s->batch : 1;
}

static hone__gemm_dtype dtype_of(const shape *s)
{
    return s->bf16 ? HONE__GEMM_BF16 : s->f64 ? HONE__GEMM_F64 : HONE__GEMM_F32;
}

static bool run_hone(void *ctx)
{
    const work *w = ctx;
    hone__gemm_args x = hone__gemm_contiguous(dtype_of(&w->s), w->s.m, w->s.n, w->s.k);
    x.narrow = w->s.bf16;
    if (w->s.ta) {
        x.a_rs = 1;
        x.a_cs = w->s.m;
    }
    if (w->s.tb) {
        x.b_rs = 1;
        x.b_cs = w->s.k;
    }
    if (w->s.batch) {
        x.n_batch_dims = 1;
        x.batch[0] = w->s.batch;
        x.a_batch[0] = w->s.m * w->s.k;
        x.b_batch[0] = w->s.k * w->s.n;
        x.c_batch[0] = w->s.m * w->s.n;
    }
    x.accumulate = w->s.accumulate ? HONE__GEMM_BEGIN : HONE__GEMM_OVERWRITE;
    x.a = w->a;
    x.b = w->b;
    x.c = w->c;
    return (w->s.bf16 ? hone__gemm_pairs(&x) : hone__gemm(&x)) == 0;
}

/* ---- peaks */

/* A matrix and a vector: nothing but reading the matrix. */
static bool run_read(void *ctx)
{
    hone__memory_pass_run(&((work *)ctx)->read);
    return true;
}

static bool is_vector(const shape *s)
{
    return !s->batch && (s->m == 1 || s->n == 1);
}

/* Its rate is that of a product which takes no longer than reading its matrix does. */
static bench_side read_side(work *w, int threads, double flops)
{
    const int64_t size = hone__gemm_size(dtype_of(&w->s)), other = w->s.m == 1 ? w->s.n : w->s.m;
    const int64_t bytes = w->s.k * other * size;
    w->read = (hone__memory_pass){
        .kind = HONE__STREAM_READ, .threads = threads, .bytes = bytes, .passes = 1
    };
    w->read.from[0] = w->s.m == 1 ? w->b : w->a;
    return (bench_side){ .call = bytes >= HONE__MEMORY_UNIT ? run_read : NULL,
                         .work = flops * (double)(bytes / HONE__MEMORY_UNIT * HONE__MEMORY_UNIT) /
                                 (double)bytes };
}

static bool run_fma(void *ctx)
{
    const work *w = ctx;
    hone__fma_run(hone__peaks_get(), w->tile.dtype, w->tile.threads);
    return true;
}

/* ---- the peers */

/* Product i of the batch. */
static bool run_peer_once(const work *w, const bench_peer *p, int i)
{
    const shape *s = &w->s;
    const int64_t size = s->f64 ? 8 : 4;
    const void *a = (const char *)w->a + i * s->m * s->k * size;
    const void *b = (const char *)w->b + i * s->k * s->n * size;
    void *c = (char *)w->c + i * s->m * s->n * size;
    if (p->dnnl_sgemm)
        return p->dnnl_sgemm(s->ta ? 'T' : 'N', s->tb ? 'T' : 'N', s->m, s->n, s->k, 1, a,
                             s->ta ? s->m : s->k, b, s->tb ? s->k : s->n, s->accumulate, c,
                             s->n) == 0;
    enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 }; /* of CBLAS */
    const int m = (int)s->m, n = (int)s->n, k = (int)s->k;
    const int lda = s->ta ? m : k, ldb = s->tb ? k : n;
    const int ta = s->ta ? TRANS : NO_TRANS, tb = s->tb ? TRANS : NO_TRANS;
    if (s->f64)
        p->dgemm(ROW_MAJOR, ta, tb, m, n, k, 1, a, lda, b, ldb, s->accumulate, c, n);
    else
        p->sgemm(ROW_MAJOR, ta, tb, m, n, k, 1, a, lda, b, ldb, (float)s->accumulate, c, n);
    return true;
}

static bool run_peer(const work *w, const bench_peer *p)
{
    bool good = true;
    for (int i = 0; good && i < batch_of(&w->s); i++)
        good = run_peer_once(w, p, i);
    return good;
}

static bool run_peer_0(void *ctx)
{
    return run_peer(ctx, &((work *)ctx)->peer[0]);
}

static bool run_peer_1(void *ctx)
{
    return run_peer(ctx, &((work *)ctx)->peer[1]);
}

static bool run_peer_2(void *ctx)
{
    return run_peer(ctx, &((work *)ctx)->peer[2]);
}

static bool run_peer_3(void *ctx)
{
    return run_peer(ctx, &((work *)ctx)->peer[3]);
}

static const bench_call peer_calls[BENCH_MAX_PEERS] = { run_peer_0, run_peer_1, run_peer_2,
                                                        run_peer_3 };

static bool peer_can(const bench_peer *p, const shape *s)
{
    if (s->bf16)
        return false;
    if (p->dnnl_sgemm)
        return !s->f64;
    const int64_t limit = INT32_MAX;
    const bool has = s->f64 ? p->dgemm != NULL : p->sgemm != NULL;
    return has && s->m <= limit && s->n <= limit && s->k <= limit;
}

/* ---- rows */

/* "TN +=" adds to C, "NN x64" is a batch. */
static const char *variant_of(const shape *s, char text[16])
{
    snprintf(text, 16, "%c%c", s->ta ? 'T' : 'N', s->tb ? 'T' : 'N');
    if (s->accumulate)
        snprintf(text + 2, 14, " +=");
    else if (s->batch)
        snprintf(text + 2, 14, " x%d", s->batch);
    return text;
}

/* Numbers in (-1, 1) of the product's dtype, to be freed. */
static void *operand(const shape *s, int64_t elements)
{
    float *x = hone__filled(elements, s->f64);
    for (int64_t i = 0; s->bf16 && x && i < elements; i++)
        memcpy((char *)x + 2 * i, &(uint16_t){ hone__bf16_of(hone__bits_of_f32(x[i])) }, 2);
    return x;
}

bool bench_do_product(bench_run *run, const bench_product *s)
{
    char variant[16];
    const bench_report *report = &run->report;
    const int64_t batch = batch_of(s), a = batch * s->m * s->k, b = batch * s->k * s->n,
                  c = batch * s->m * s->n;
    const double flops = 2.0 * (double)(s->m * s->n) * (double)(s->k * batch);
    work w = { .s = *s, .peer = report->peer };
    w.a = operand(s, a);
    w.b = operand(s, b);
    w.c = operand(s, c);
    const int64_t size = hone__gemm_size(dtype_of(s));
    const bool tile = hone__tile_make(&w.tile, dtype_of(s), report->running);
    bench_row row = {
        .name = "matmul",
        .dtype = s->bf16  ? "bf16"
                 : s->f64 ? "f64"
                          : "f32",
        .variant = variant_of(s, variant),
        .level = hone__mem_level_of((double)size * (double)(a + b + c)),
        .m = s->m,
        .n = s->n,
        .k = s->k,
        .flops = true,
    };
    row.side[BENCH_PEAK] =
        is_vector(s) ? read_side(&w, report->running, flops) : bench_tile_side(&w.tile);
    row.side[BENCH_FMA] =
        (bench_side){ .call = run_fma,
                      .work = hone__fma_flops(hone__peaks_get(), dtype_of(s), report->running) };
    row.side[BENCH_HONE] = (bench_side){ .call = run_hone, .work = flops };
    for (int p = 0; p < report->n_peers; p++)
        if (peer_can(&report->peer[p], s))
            row.side[BENCH_PEERS + p] = (bench_side){ .call = peer_calls[p], .work = flops };
    bool good = w.a && w.b && w.c && tile;
    if (!good)
        cli_error(CLI_FAILED, "bench", "out of memory for %lldx%lldx%lld", (long long)s->m,
                  (long long)s->n, (long long)s->k);
    good = good && bench_do_row(run, &row, &w);
    free(w.a);
    free(w.b);
    free(w.c);
    free(w.tile.panels);
    return good;
}

int bench_gemm(bench_run *run, bool count)
{
    if (!bench_wants(run, "matmul"))
        return 0;
    if (run->m > 0) {
        const char *variant = run->variant ? run->variant : "NN";
        const shape s = { .m = run->m,
                          .n = run->n,
                          .k = run->k,
                          .ta = variant[0] == 'T',
                          .tb = variant[1] == 'T',
                          .f64 = run->dtype && bench_wants_dtype(run, HONE_F64),
                          .bf16 = run->dtype && bench_wants_dtype(run, HONE_BF16) };
        return count || bench_do_product(run, &s) ? 1 : -1;
    }
    int rows = 0;
    for (int i = 0; i < N_TARGETS; i++) {
        if (!bench_wants_dtype(run, targets[i].bf16  ? HONE_BF16
                                    : targets[i].f64 ? HONE_F64
                                                     : HONE_F32))
            continue;
        if (!count && !bench_do_product(run, &targets[i]))
            return -1;
        rows++;
    }
    for (int i = 0; square(i) > 0 && bench_wants_dtype(run, HONE_F32); i++, rows++)
        if (!count &&
            !bench_do_product(run, &(shape){ .m = square(i), .n = square(i), .k = square(i) }))
            return -1;
    return rows;
}
