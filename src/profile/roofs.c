/* roofs.c: see roofs.h. Each limit is the best of a few turns of 2 ms: what the machine can do, also
 * while others use it. */
#include "profile/roofs.h"

#include "core/core.h"
#include "isa/isa.h"
#include "profile/numa.h"
#include "runtime/cpus.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"
#include "runtime/stalls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TURNS = 7, TURN_NS = 2000000 };

/* Work a ns of the best turn. */
static double rate_of(void (*call)(void *ctx), void *ctx, double work)
{
    double best = 0;
    call(ctx);
    for (int t = 0; t < TURNS; t++) {
        const int64_t begin = hone__now_ns();
        int64_t now = begin;
        int64_t calls = 0;
        for (; now - begin < TURN_NS; now = hone__now_ns(), calls++)
            call(ctx);
        const double rate = work * (double)calls / (double)(now - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

/* ---- multiply-adds */

typedef struct {
    const hone__peaks *peaks;
    bool f64;
    int threads;
} fma_call;

static void call_fma(void *ctx)
{
    const fma_call *c = ctx;
    hone__fma_run(c->peaks, c->f64 ? HONE__GEMM_F64 : HONE__GEMM_F32, c->threads);
}

static void call_tile(void *ctx)
{
    hone__tile_run(ctx);
}

static bool measure_tile(hone__roofs *roofs, hone__gemm_dtype dtype, int which)
{
    hone__tile tile;
    if (!hone__tile_make(&tile, dtype, which == HONE__ONE_THREAD ? 1 : roofs->threads))
        return false;
    roofs->tile[dtype][which] = rate_of(call_tile, &tile, hone__tile_flops(&tile));
    free(tile.panels);
    return true;
}

static void measure_isa(hone__roofs *roofs, const char *isa)
{
    const int i = roofs->n_isas++;
    roofs->fma[i].name = isa;
    for (int which = 0; which < 2; which++)
        for (int f64 = 0; f64 < 2; f64++) {
            fma_call c = { hone__peaks_named(isa), f64,
                           which == HONE__ONE_THREAD ? 1 : roofs->threads };
            (f64 ? roofs->fma[i].f64 : roofs->fma[i].f32)[which] =
                rate_of(call_fma, &c,
                        hone__fma_flops(c.peaks, f64 ? HONE__GEMM_F64 : HONE__GEMM_F32, c.threads));
        }
}

/* ---- memory */

static void call_pass(void *ctx)
{
    hone__memory_pass_run(ctx);
}

static bool is_private(hone__mem_level level)
{
    return level <= HONE__MEM_L2;
}

static bool measure_stream(hone__roofs *roofs, hone__mem_level level, hone__stream kind, int which)
{
    const int threads = which == HONE__ONE_THREAD ? 1 : roofs->threads;
    const int operands = hone__stream_operands(kind);
    const int64_t whole =
        hone__mem_level_bytes(level) * (is_private(level) ? threads : 1) / operands;
    const int64_t bytes = whole / HONE__MEMORY_UNIT * HONE__MEMORY_UNIT;
    if (bytes == 0)
        return true;
    char *memory[3] = { NULL };
    bool ok = true;
    for (int i = 0; i < operands && ok; i++)
        ok = (memory[i] = hone__filled(bytes / 4, false)) != NULL;
    if (ok) {
        const bool writes = kind != HONE__STREAM_READ;
        hone__memory_pass pass = { .kind = kind, .threads = threads, .bytes = bytes };
        pass.to = writes ? memory[0] : NULL;
        pass.from[0] = writes ? memory[1] : memory[0];
        pass.from[1] = memory[2];
        hone__memory_pass_set(&pass);
        roofs->gbps[level][kind][which] =
            rate_of(call_pass, &pass, (double)bytes * operands * pass.passes);
    }
    for (int i = 0; i < operands; i++)
        free(memory[i]);
    return ok;
}

/* ---- nodes: a thread at one reads what lies at another */

typedef struct {
    int cpu_node, memory_node;
    double gbps; /* 0: not measured */
} node_job;

static bool bind_to_node(int node)
{
    hone__cpus all, set = { { 0 } };
    if (!hone__cpus_of_thread(&all))
        return false;
    for (int cpu = 0; cpu < HONE__MAX_CPUS; cpu++)
        if ((all.bits[cpu / HONE__CPU_BITS] >> cpu % HONE__CPU_BITS & 1) &&
            hone__node_of_cpu(cpu) == node)
            hone__cpus_add(&set, cpu);
    return hone__cpus_count(&set) > 0 && hone__cpus_bind_thread(&set);
}

static bool bind_memory(void *p, size_t bytes, int node)
{
    enum { BIND = 2, MOST = 8 * (int)sizeof(unsigned long) };
    unsigned long mask = 1ul << node;
    return node < MOST && syscall(SYS_mbind, p, bytes, BIND, &mask, MOST + 1, 0) == 0;
}

static void *read_node(void *ctx)
{
    enum { BYTES = 32 << 20 };
    node_job *job = ctx;
    char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (bind_to_node(job->cpu_node) && bind_memory(p, BYTES, job->memory_node)) {
        memset(p, 1, BYTES);
        hone__memory_pass pass = { .kind = HONE__STREAM_READ, .threads = 1, .bytes = BYTES };
        pass.from[0] = p;
        hone__memory_pass_set(&pass);
        job->gbps = rate_of(call_pass, &pass, BYTES);
    }
    munmap(p, BYTES);
    return NULL;
}

static void measure_nodes(hone__roofs *roofs)
{
    roofs->n_nodes = hone__count_nodes();
    if (roofs->n_nodes > HONE__ROOF_NODES)
        roofs->n_nodes = HONE__ROOF_NODES;
    for (int from = 0; roofs->n_nodes > 1 && from < roofs->n_nodes; from++)
        for (int to = 0; to < roofs->n_nodes; to++) {
            node_job job = { from, to, 0 };
            pthread_t thread;
            if (pthread_create(&thread, NULL, read_node, &job) != 0)
                return;
            pthread_join(thread, NULL);
            roofs->node_gbps[from][to] = job.gbps;
        }
}

/* ---- all */

bool hone__roofs_measure(hone__roofs *roofs)
{
    static const hone__stream kinds[] = { HONE__STREAM_READ, HONE__STREAM_WRITE, HONE__STREAM_COPY,
                                          HONE__STREAM_ADD };
    *roofs = (hone__roofs){ .isa = hone__k->name, .threads = hone__team_size() };
    const int most = roofs->threads > 1 ? 2 : 1;
    bool ok = true;
    for (int i = 0; i < HONE__ROOF_ISAS && hone__isa_available(i); i++)
        measure_isa(roofs, hone__isa_available(i)->name);
    for (int which = 0; which < most && ok; which++)
        ok = measure_tile(roofs, HONE__GEMM_F32, which) &&
             measure_tile(roofs, HONE__GEMM_F64, which) &&
             measure_tile(roofs, HONE__GEMM_BF16, which);
    for (hone__mem_level level = 0; level < HONE__MEM_LEVELS; level++)
        for (int which = 0; which < most; which++)
            for (size_t k = 0; ok && k < sizeof kinds / sizeof *kinds; k++)
                ok = measure_stream(roofs, level, kinds[k], which);
    if (most == 1) {
        for (int dtype = HONE__GEMM_F32; dtype <= HONE__GEMM_BF16; dtype++)
            roofs->tile[dtype][1] = roofs->tile[dtype][0];
        for (hone__mem_level level = 0; level < HONE__MEM_LEVELS; level++)
            for (int k = 0; k < HONE__STREAMS; k++)
                roofs->gbps[level][k][1] = roofs->gbps[level][k][0];
    }
    if (!ok) {
        hone_error_set(HONE_E_NOMEM, "profile: no memory to measure the machine's limits");
        return false;
    }
    measure_nodes(roofs);
    return true;
}

double hone__roof_seconds(const hone__roofs *roofs, hone__gemm_dtype dtype, int threads,
                          double flops, double bytes, double written)
{
    const int which = threads > 1 ? HONE__ALL_THREADS : HONE__ONE_THREAD;
    const hone__stream kind = written < 0.2   ? HONE__STREAM_READ
                              : written < 0.4 ? HONE__STREAM_ADD
                              : written < 0.8 ? HONE__STREAM_COPY
                                              : HONE__STREAM_WRITE;
    hone__mem_level level = hone__mem_level_of(bytes / (threads > 1 ? threads : 1));
    if (level == HONE__MEM_L3)
        level = hone__mem_level_of(bytes);
    while (level < HONE__MEM_DRAM && roofs->gbps[level][kind][which] <= 0)
        level++;
    const double gflops = roofs->tile[dtype][which], gbps = roofs->gbps[level][kind][which];
    const double compute = gflops > 0 ? flops / gflops : 0, memory = gbps > 0 ? bytes / gbps : 0;
    return 1e-9 * (compute > memory ? compute : memory);
}
