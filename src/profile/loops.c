/* loops.c: the loops of peaks.h and the register tile on one thread or several. */
#include "profile/roofs.h"

#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "isa/isa.h"
#include "loops/past.h"
#include "runtime/parallel.h"

#include <string.h>

const hone__peaks *hone__peaks_named(const char *isa)
{
    static const hone__peaks *const all[] = {
        &hone__peaks_scalar,
#if defined(__x86_64__)
        &hone__peaks_avx2,
        &hone__peaks_avx512,
#elif defined(__aarch64__)
        &hone__peaks_neon,
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->isa, isa) == 0)
            return all[i];
    return all[0];
}

const hone__peaks *hone__peaks_get(void)
{
    return hone__peaks_named(hone__k->name);
}

static volatile float sink; /* what keeps the loops' results alive */

enum { FMA_ROUNDS = 20000 };

/* A region of several threads takes a few milliseconds, to cost little beside its work. */
static int64_t fma_rounds(int threads)
{
    return threads == 1 ? FMA_ROUNDS : 32 * FMA_ROUNDS;
}

typedef struct {
    const hone__peaks *peaks;
    hone__gemm_dtype dtype;
    const hone__bf16_kernel *bf16;
} fma_job;

/* A round of products of tiles counts as so many of FMAs. */
enum { TILES_FLOPS = 4 * 2 * 16 * 16 * 32 };

static const hone__bf16_kernel *bf16_now(void)
{
    return hone__bf16_in(hone__bf16_tiles_now());
}

static bool in_pairs(const hone__peaks *peaks, hone__gemm_dtype dtype,
                     const hone__bf16_kernel *bf16)
{
    return dtype == HONE__GEMM_BF16 && bf16->paired && peaks->dot_bf16;
}

static bool in_tiles(const hone__peaks *peaks, hone__gemm_dtype dtype,
                     const hone__bf16_kernel *bf16)
{
    return dtype == HONE__GEMM_BF16 && bf16->tiled && peaks->tiles_bf16;
}

static void fma_body(void *ctx, int thread, int n_threads)
{
    (void)thread;
    const fma_job *job = ctx;
    const int64_t rounds = fma_rounds(n_threads);
    if (in_tiles(job->peaks, job->dtype, job->bf16)) {
        job->bf16->begin();
        job->peaks->tiles_bf16(rounds);
        job->bf16->end();
        return;
    }
    sink = job->dtype == HONE__GEMM_F64                  ? (float)job->peaks->fma_f64(rounds)
           : in_pairs(job->peaks, job->dtype, job->bf16) ? job->peaks->dot_bf16(rounds)
                                                         : job->peaks->fma_f32(rounds);
}

void hone__fma_run(const hone__peaks *peaks, hone__gemm_dtype dtype, int threads)
{
    hone__parallel_team(threads, fma_body, &(fma_job){ peaks, dtype, bf16_now() });
}

double hone__fma_flops(const hone__peaks *peaks, hone__gemm_dtype dtype, int threads)
{
    if (in_tiles(peaks, dtype, bf16_now()))
        return (double)TILES_FLOPS * (double)fma_rounds(threads) * threads;
    const int lanes = dtype == HONE__GEMM_F64 ? peaks->lanes_f64 : peaks->lanes_f32;
    return 2.0 * (double)fma_rounds(threads) * peaks->chains * lanes * threads *
           (in_pairs(peaks, dtype, bf16_now()) ? 2 : 1);
}

int hone__stream_operands(hone__stream kind)
{
    static const int operands[HONE__STREAMS] = { 1, 1, 2, 3, 3 };
    return operands[kind];
}

static int memory_passes(int64_t bytes, int threads)
{
    const int64_t passes = threads == 1 ? 1 : (int64_t)(1 << 26) / (bytes + 1);
    return passes < 1 ? 1 : (int)passes;
}

static void memory_body(void *ctx, int thread, int n_threads)
{
    const hone__memory_pass *m = ctx;
    const int64_t units = m->bytes / HONE__MEMORY_UNIT;
    const int64_t begin = units * thread / n_threads * HONE__MEMORY_UNIT;
    const int64_t n =
        (units * (thread + 1) / n_threads * HONE__MEMORY_UNIT - begin) / (int64_t)sizeof(float);
    if (n == 0)
        return;
    float *to = m->to ? (float *)(void *)(m->to + begin) : NULL;
    const float *a = m->from[0] ? (const float *)(const void *)(m->from[0] + begin) : NULL;
    const float *b = m->from[1] ? (const float *)(const void *)(m->from[1] + begin) : NULL;
    const hone__peaks *peaks = hone__peaks_get();
    for (int i = 0; i < m->passes; i++)
        sink = (m->past ? peaks->past : peaks->stream)[m->kind](n, to, a, b);
}

void hone__memory_pass_run(hone__memory_pass *m)
{
    if (m->threads == 1)
        memory_body(m, 0, 1); /* a team's settings of the FPU cost as much as L1 */
    else
        hone__parallel_team(m->threads, memory_body, m);
}

void hone__memory_pass_set(hone__memory_pass *m)
{
    m->passes = memory_passes(m->bytes, m->threads);
    m->past = hone__peaks_get()->past[m->kind] && (uintptr_t)m->to % 32 == 0 &&
              hone__goes_past(m->bytes * hone__stream_operands(m->kind));
}

/* ---- the register tile */

/* A and B panels of 96 k are 21 KB with the 8 x 48 tile, and of 256 k 32 KB with AMX's: they stay in
 * L1. */
enum { PEAK_K = 96, PEAK_TILED_K = 256, PEAK_TILES = 100, PEAK_ELEMENTS = 1 << 14 };

static int peak_tiles(int threads)
{
    return threads == 1 ? PEAK_TILES : 64 * PEAK_TILES; /* as fma_rounds */
}

static const hone__gemm_kernel *kernel_of(const hone__tile *tile)
{
    return tile->dtype == HONE__GEMM_BF16 ? &tile->bf16->shape : &hone__k->gemm.of[tile->dtype];
}

static bool is_tiled(const hone__tile *tile)
{
    return tile->dtype == HONE__GEMM_BF16 && tile->bf16->tiled;
}

static int64_t peak_k(const hone__tile *tile)
{
    return is_tiled(tile) ? PEAK_TILED_K : PEAK_K;
}

static void tile_body(void *ctx, int thread, int n_threads)
{
    const hone__tile *tile = ctx;
    const hone__gemm_kernel *kernel = kernel_of(tile);
    const int64_t size = tile->dtype == HONE__GEMM_F64 ? 8 : 4; /* of a panel of bf16, too */
    const int64_t k = peak_k(tile), panel_k = is_tiled(tile) ? k / 2 : k;
    char *panels = (char *)tile->panels + thread * PEAK_ELEMENTS * size;
    const hone__gemm_tile t = { .k = k,
                                .a = panels,
                                .a_rs = 1,
                                .a_cs = kernel->mr,
                                .b = panels + panel_k * kernel->mr * size,
                                .b_rs = kernel->nr,
                                .c = panels + panel_k * (kernel->mr + kernel->nr) * size,
                                .c_rs = kernel->nr,
                                .mr = kernel->mr,
                                .nr = kernel->nr };
    const bool tiled = is_tiled(tile);
    void (*const run)(const hone__gemm_tile *) = tiled ? tile->bf16->tiles
                                                 : tile->dtype == HONE__GEMM_BF16 ? tile->bf16->tile
                                                                                  : kernel->tile;
    const int tiles = peak_tiles(n_threads);
    if (tiled)
        tile->bf16->begin();
    for (int i = 0; i < tiles; i++)
        run(&t);
    if (tiled)
        tile->bf16->end();
}

void hone__tile_run(const hone__tile *tile)
{
    hone__parallel_team(tile->threads, tile_body, (void *)(uintptr_t)tile);
}

double hone__tile_flops(const hone__tile *tile)
{
    const hone__gemm_kernel *kernel = kernel_of(tile);
    return 2.0 * peak_tiles(tile->threads) * (double)peak_k(tile) * kernel->mr * kernel->nr *
           tile->threads;
}

bool hone__tile_make(hone__tile *tile, hone__gemm_dtype dtype, int threads)
{
    const int64_t elements = (int64_t)threads * PEAK_ELEMENTS;
    *tile =
        (hone__tile){ threads, dtype, bf16_now(), hone__filled(elements, dtype == HONE__GEMM_F64) };
    return tile->panels != NULL;
}
