/* tiles: what a tile of C costs besides its multiplications, for every height and width of the
 * ISA's micro-kernels: panels in L1, two lengths of k in turn. The difference of the two is the
 * pure loop; what the short one takes beyond it is lost around the loop: C, the call, filling and
 * draining the multiplier. It is counted in vector multiplications of the loop itself, which are
 * cycles where the machine does one a cycle (AVX-512 on Zen 4) and half cycles where it does two.
 * Where a low tile's loop waits for its own sums, the next tile fills the gaps, and less than
 * nothing may be lost.
 *
 *     tiles [f64] [K]     K: the short k, 64 by default; the long one is four times that */
#include "../clock.h"
#include "core/core.h"
#include "gemm/gemm_kernels.h"
#include "isa/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 201, TURN = 20000 /* ns */, TIMES = 4, MOST_ROWS = 16 };

static int ascending(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double time_of(const hone__gemm_kernel *kernel, const hone__gemm_tile *t, int calls)
{
    const double began = thread_ns();
    for (int i = 0; i < calls; i++)
        kernel->tile(t);
    return (thread_ns() - began) / calls;
}

static int calls_for(const hone__gemm_kernel *kernel, const hone__gemm_tile *t)
{
    const double once = time_of(kernel, t, 100);
    return 1 + (int)(TURN / once);
}

/* Medians of tiles over `k` and TIMES as much, in turn. */
static void measure(const hone__gemm_kernel *kernel, hone__gemm_tile t, int64_t k, double *ns)
{
    static double took[2][ROUNDS];
    hone__gemm_tile tile[2] = { t, t };
    int calls[2];
    for (int i = 0; i < 2; i++) {
        tile[i].k = i ? TIMES * k : k;
        calls[i] = calls_for(kernel, &tile[i]);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++)
            took[i][round] = time_of(kernel, &tile[i], calls[i]);
    for (int i = 0; i < 2; i++) {
        qsort(took[i], ROUNDS, sizeof(double), ascending);
        ns[i] = took[i][ROUNDS / 2];
    }
}

static void row(const hone__gemm_kernel *kernel, hone__gemm_tile t, int vectors, int rows,
                int64_t k)
{
    t.mr = rows;
    t.nr = vectors * kernel->vl;
    t.b_rs = t.c_rs = t.nr;
    t.a_cs = rows;
    double ns[2];
    measure(kernel, t, k, ns);
    const double step = (ns[1] - ns[0]) / (double)((TIMES - 1) * k), products = vectors * rows;
    const double plain = (ns[0] - step * (double)k) / step * products;
    t.resume = 1;
    measure(kernel, t, k, ns);
    const double resumed = (ns[0] - step * (double)k) / step * products;
    printf("%4d x %-3d %9.1f %13.1f %13.1f %13.1f\n", rows, t.nr, 2 * products * kernel->vl / step,
           plain, resumed, 100 * products * (double)k / (products * (double)k + plain));
}

int main(int argc, char **argv)
{
    if (!hone__ready()) {
        fprintf(stderr, "tiles: %s\n", hone_error_message());
        return 1;
    }
    const bool f64 = argc > 1 && strcmp(argv[1], "f64") == 0;
    const int64_t k = argc > 1 + f64 ? strtoll(argv[1 + f64], NULL, 10) : 64;
    if (k < 8 || k > 4096) {
        fprintf(stderr, "tiles: [f64] [K], K from 8 to 4096\n");
        return 1;
    }
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[f64];
    const size_t size = f64 ? 8 : 4, wide = (size_t)kernel->wide, most = (size_t)(TIMES * k);
    char *a = calloc(MOST_ROWS * most, size), *b = calloc(wide * most, size);
    char *c = calloc(MOST_ROWS * wide, size);
    if (!a || !b || !c) {
        fputs("tiles: out of memory\n", stderr);
        return 1;
    }
    printf("%s, k %lld and %lld: lost around the loop, in its vector multiplications\n"
           "rows x cols   GFLOP/s   first range    next range  %% of the loop\n",
           kernel->name, (long long)k, (long long)(TIMES * k));
    const hone__gemm_tile t = { .a = a, .a_rs = 1, .b = b, .c = c };
    for (int vectors = 1; vectors * kernel->vl <= kernel->wide; vectors++)
        for (int rows = (kernel->rows[vectors] + 1) / 2; rows <= kernel->rows[vectors]; rows++)
            row(kernel, t, vectors, rows, k);
    free(a);
    free(b);
    free(c);
    return 0;
}
