/* bench_peak.c: the limits of the machine (profile/roofs.h) as sides of a row. */
#include "bench.h"

bool bench_memory_call(void *ctx)
{
    hone__memory_pass_run(ctx);
    return true;
}

bench_side bench_memory_side(hone__memory_pass *m, hone__stream kind, int threads, int64_t bytes,
                             hone_tensor *to, hone_tensor *a, hone_tensor *b)
{
    *m = (hone__memory_pass){ .kind = kind, .threads = threads };
    m->bytes = (bytes + HONE__MEMORY_UNIT - 1) / HONE__MEMORY_UNIT * HONE__MEMORY_UNIT;
    m->to = to ? hone_data(to) : NULL;
    m->from[0] = a ? hone_data(a) : NULL;
    m->from[1] = b ? hone_data(b) : NULL;
    hone__memory_pass_set(m);
    return (bench_side){ .call = bench_memory_call,
                         .work = (double)m->bytes * hone__stream_operands(kind) * m->passes };
}

static bool tile_call(void *ctx)
{
    hone__tile_run(ctx);
    return true;
}

bench_side bench_tile_side(const hone__tile *tile)
{
    return (bench_side){ .call = tile_call, .work = hone__tile_flops(tile) };
}
