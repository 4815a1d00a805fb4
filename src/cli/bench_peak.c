/* bench_peak.c: the limits of the machine on one thread or several. */
#include "bench.h"

#include "isa/isa.h"
#include "loops/past.h"
#include "runtime/parallel.h"

#include <string.h>

const bench_peaks *bench_peaks_get(void)
{
#if defined(__x86_64__)
    if (strcmp(hone__k->name, "avx512") == 0)
        return &bench_peaks_avx512;
    if (strcmp(hone__k->name, "avx2") == 0)
        return &bench_peaks_avx2;
#elif defined(__aarch64__)
    if (strcmp(hone__k->name, "neon") == 0)
        return &bench_peaks_neon;
#endif
    return &bench_peaks_scalar;
}

static volatile float sink; /* what keeps the loops' results alive */

enum { FMA_ROUNDS = 20000 };

/* A region of several threads takes a few milliseconds, to cost little beside its work. */
static int64_t fma_rounds(int threads)
{
    return threads == 1 ? FMA_ROUNDS : 32 * FMA_ROUNDS;
}

static void fma_body(void *ctx, int thread, int n_threads)
{
    (void)thread;
    const bench_peaks *peaks = bench_peaks_get();
    const int64_t rounds = fma_rounds(n_threads);
    sink = *(bool *)ctx ? (float)peaks->fma_f64(rounds) : peaks->fma_f32(rounds);
}

void bench_fma_run(bool f64, int threads)
{
    hone__parallel_team(threads, fma_body, &f64);
}

double bench_fma_flops(bool f64, int threads)
{
    const bench_peaks *peaks = bench_peaks_get();
    return 2.0 * (double)fma_rounds(threads) * peaks->chains *
           (f64 ? peaks->lanes_f64 : peaks->lanes_f32) * threads;
}

int bench_stream_operands(bench_stream kind)
{
    static const int operands[BENCH_STREAMS] = { 1, 1, 2, 3, 3 };
    return operands[kind];
}

static int memory_passes(int64_t bytes, int threads)
{
    const int64_t passes = threads == 1 ? 1 : (int64_t)(1 << 26) / (bytes + 1);
    return passes < 1 ? 1 : (int)passes;
}

static void memory_body(void *ctx, int thread, int n_threads)
{
    const bench_memory *m = ctx;
    const int64_t units = m->bytes / BENCH_MEMORY_UNIT;
    const int64_t begin = units * thread / n_threads * BENCH_MEMORY_UNIT;
    const int64_t n =
        (units * (thread + 1) / n_threads * BENCH_MEMORY_UNIT - begin) / (int64_t)sizeof(float);
    if (n == 0)
        return;
    float *to = m->to ? (float *)(void *)(m->to + begin) : NULL;
    const float *a = m->from[0] ? (const float *)(const void *)(m->from[0] + begin) : NULL;
    const float *b = m->from[1] ? (const float *)(const void *)(m->from[1] + begin) : NULL;
    const bench_peaks *peaks = bench_peaks_get();
    for (int i = 0; i < m->passes; i++)
        sink = (m->past ? peaks->past : peaks->stream)[m->kind](n, to, a, b);
}

void bench_memory_run(bench_memory *m)
{
    if (m->threads == 1)
        memory_body(m, 0, 1); /* a team's settings of the FPU cost as much as L1 */
    else
        hone__parallel_team(m->threads, memory_body, m);
}

bool bench_memory_call(void *ctx)
{
    bench_memory_run(ctx);
    return true;
}

bench_side bench_memory_side(bench_memory *m, bench_stream kind, int threads, int64_t bytes,
                             hone_tensor *to, hone_tensor *a, hone_tensor *b)
{
    *m = (bench_memory){ .kind = kind, .threads = threads };
    m->bytes = (bytes + BENCH_MEMORY_UNIT - 1) / BENCH_MEMORY_UNIT * BENCH_MEMORY_UNIT;
    m->to = to ? hone_data(to) : NULL;
    m->from[0] = a ? hone_data(a) : NULL;
    m->from[1] = b ? hone_data(b) : NULL;
    m->passes = memory_passes(m->bytes, threads);
    m->past = bench_peaks_get()->past[kind] && (uintptr_t)m->to % 32 == 0 &&
              hone__goes_past(m->bytes * bench_stream_operands(kind));
    return (bench_side){ .call = bench_memory_call,
                         .work = (double)m->bytes * bench_stream_operands(kind) * m->passes };
}

/* ---- the register tile */

/* A and B panels of 96 k are 21 KB with the 8 x 48 tile: they stay in L1. */
enum { PEAK_K = 96, PEAK_TILES = 100, PEAK_ELEMENTS = 1 << 14 };

static int peak_tiles(int threads)
{
    return threads == 1 ? PEAK_TILES : 64 * PEAK_TILES; /* as fma_rounds */
}

static void tile_body(void *ctx, int thread, int n_threads)
{
    const bench_tile *tile = ctx;
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[tile->f64];
    const int64_t size = tile->f64 ? 8 : 4;
    char *panels = (char *)tile->panels + thread * PEAK_ELEMENTS * size;
    const hone__gemm_tile t = { .k = PEAK_K,
                                .a = panels,
                                .a_rs = 1,
                                .a_cs = kernel->mr,
                                .b = panels + PEAK_K * kernel->mr * size,
                                .b_rs = kernel->nr,
                                .c = panels + PEAK_K * (kernel->mr + kernel->nr) * size,
                                .c_rs = kernel->nr,
                                .mr = kernel->mr,
                                .nr = kernel->nr };
    const int tiles = peak_tiles(n_threads);
    for (int i = 0; i < tiles; i++)
        kernel->tile(&t);
}

static bool tile_call(void *ctx)
{
    hone__parallel_team(((bench_tile *)ctx)->threads, tile_body, ctx);
    return true;
}

bool bench_tile_make(bench_tile *tile, bool f64, int threads)
{
    *tile = (bench_tile){ threads, f64, bench_filled((int64_t)threads * PEAK_ELEMENTS, f64) };
    return tile->panels != NULL;
}

bench_side bench_tile_side(const bench_tile *tile)
{
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[tile->f64];
    return (bench_side){ .call = tile_call,
                         .work = 2.0 * peak_tiles(tile->threads) * PEAK_K * kernel->mr *
                                 kernel->nr * tile->threads };
}
