/* bench_skinny.c: the suite of products of few rows or few columns, in all layouts. */
#include "bench.h"

#include <hone/hone.h>

enum { FEW = 20 };
static const int64_t sides[] = { 16, 64, 100, 256, 1000 }, depths[] = { 16, 64, 300, 1024 };
enum { N_SIDES = sizeof sides / sizeof *sides, N_DEPTHS = sizeof depths / sizeof *depths };

/* Row i: few rows, then few columns, in every layout. */
static bench_product skinny(int i)
{
    bench_product s = { .ta = i % 4 / 2, .tb = i % 2 };
    i /= 4;
    s.k = depths[i % N_DEPTHS];
    i /= N_DEPTHS;
    s.m = sides[i % N_SIDES];
    i /= N_SIDES;
    s.n = 1 + i % FEW;
    if (i / FEW == 0) {
        const int64_t rows = s.n;
        s.n = s.m;
        s.m = rows;
    }
    return s;
}

int bench_skinny(bench_run *run, bool count)
{
    enum { ROWS = 2 * FEW * N_SIDES * N_DEPTHS * 4 };
    if (!bench_wants(run, "matmul") || !bench_wants_dtype(run, HONE_F32))
        return 0;
    for (int i = 0; i < ROWS && !count; i++) {
        const bench_product s = skinny(i);
        if (!bench_do_product(run, &s))
            return -1;
    }
    return ROWS;
}
