/* bench_gemm.c: hone's matrix product beside OpenBLAS and oneDNN (if the machine has them), in one
 * run.
 *
 *     bench_gemm [all|targets|squares|f64] [--threads N] [--seconds S] [m n k [tn|nt|nn|tt]]
 *
 * Every round runs the kernel peak (the ISA's register tile on panels that stay in L1), hone, and
 * each peer once, so that all see the same clock; medians and bests of the rounds are printed. */
#include "core/core.h"
#include "gemm/gemm.h"
#include "isa/isa.h"

#include <dlfcn.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 400, N_SIDES = 4 };

typedef struct {
    int64_t m, n, k;
    bool ta, tb, f64;
} shape;

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
    { .m = 1024, .n = 1024, .k = 1024, .f64 = true },
};

/* ---- the peers ---- */

typedef void cblas_sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *,
                            int, float, float *, int);
typedef void cblas_dgemm_fn(int, int, int, int, int, int, double, const double *, int,
                            const double *, int, double, double *, int);
typedef int dnnl_sgemm_fn(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
                          const float *, int64_t, float, float *, int64_t);

static struct {
    cblas_sgemm_fn *sgemm;
    cblas_dgemm_fn *dgemm;
    dnnl_sgemm_fn *dnnl;
} peers;

/* ISO C has no conversion from an object pointer to a function pointer; POSIX does. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = library ? dlsym(library, name) : NULL;
    memcpy(function, &symbol, sizeof symbol);
}

static void open_peers(int threads)
{
    void *openblas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    void *dnnl = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    find(openblas, "cblas_sgemm", &peers.sgemm);
    find(openblas, "cblas_dgemm", &peers.dgemm);
    find(dnnl, "dnnl_sgemm", &peers.dnnl);
    void (*set)(int) = NULL;
    find(openblas, "openblas_set_num_threads", &set);
    if (set) {
        set(threads);
    }
}

/* ---- the sides of a comparison ---- */

typedef struct {
    shape s;
    void *a, *b, *c, *panels;
} work;

/* One thread: its own time, so that other programs disturb less. */
static clockid_t the_clock = CLOCK_THREAD_CPUTIME_ID;

static double now(void)
{
    struct timespec t;
    clock_gettime(the_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool run_hone(const work *w)
{
    hone__gemm_args x =
        hone__gemm_contiguous(w->s.f64 ? HONE__GEMM_F64 : HONE__GEMM_F32, w->s.m, w->s.n, w->s.k);
    if (w->s.ta) {
        x.a_rs = 1;
        x.a_cs = w->s.m;
    }
    if (w->s.tb) {
        x.b_rs = 1;
        x.b_cs = w->s.k;
    }
    x.a = w->a;
    x.b = w->b;
    x.c = w->c;
    return hone__gemm(&x) == 0;
}

static bool run_openblas(const work *w)
{
    const int m = (int)w->s.m, n = (int)w->s.n, k = (int)w->s.k;
    const int lda = w->s.ta ? m : k, ldb = w->s.tb ? k : n;
    const int ta = w->s.ta ? 112 : 111, tb = w->s.tb ? 112 : 111; /* CblasTrans, CblasNoTrans */
    if (w->s.f64 && peers.dgemm) {
        peers.dgemm(101, ta, tb, m, n, k, 1, w->a, lda, w->b, ldb, 0, w->c, n);
        return true;
    }
    if (!w->s.f64 && peers.sgemm) {
        peers.sgemm(101, ta, tb, m, n, k, 1, w->a, lda, w->b, ldb, 0, w->c, n);
        return true;
    }
    return false;
}

static bool run_dnnl(const work *w)
{
    const shape *s = &w->s;
    if (s->f64 || !peers.dnnl) {
        return false;
    }
    peers.dnnl(s->ta ? 'T' : 'N', s->tb ? 'T' : 'N', s->m, s->n, s->k, 1, w->a, s->ta ? s->m : s->k,
               w->b, s->tb ? s->k : s->n, 0, w->c, s->n);
    return true;
}

/* The register tile: A and B panels of 96 k are 21 KB with the 8 x 48 tile. */
enum { PEAK_K = 96 };

static bool run_peak(const work *w)
{
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[w->s.f64];
    const int64_t size = w->s.f64 ? 8 : 4;
    char *panels = w->panels;
    hone__gemm_tile t = { .k = PEAK_K,
                          .a = panels,
                          .a_rs = 1,
                          .a_cs = kernel->mr,
                          .b = panels + PEAK_K * kernel->mr * size,
                          .b_rs = kernel->nr,
                          .c = panels + PEAK_K * (kernel->mr + kernel->nr) * size,
                          .c_rs = kernel->nr,
                          .mr = kernel->mr,
                          .nr = kernel->nr };
    for (int i = 0; i < 100; i++) {
        kernel->tile(&t);
    }
    return true;
}

static bool (*const sides[N_SIDES])(const work *) = { run_peak, run_hone, run_openblas, run_dnnl };

static double flops(const shape *s, int side)
{
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[s->f64];
    return side == 0 ? 2.0 * 100 * PEAK_K * kernel->mr * kernel->nr
                     : 2.0 * (double)s->m * (double)s->n * (double)s->k;
}

/* ---- measuring ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls that take about a millisecond. */
static int calls_for(const work *w, int side)
{
    int calls = 1;
    for (;;) {
        const double begin = now();
        for (int i = 0; i < calls; i++) {
            if (!sides[side](w)) {
                return 0;
            }
        }
        if (now() - begin > 1e-3) {
            return calls;
        }
        calls *= 2;
    }
}

static void *filled(int64_t n, bool f64)
{
    void *p = aligned_alloc(64, ((size_t)n * 8 + 127) & ~(size_t)63);
    for (int64_t i = 0; p && i < n; i++) {
        const double x = (double)(rand() % 2048 - 1024) / 1024;
        if (f64) {
            ((double *)p)[i] = x;
        } else {
            ((float *)p)[i] = (float)x;
        }
    }
    return p;
}

static void compare(const shape *s, double seconds)
{
    const work w = { *s, filled(s->m * s->k, s->f64), filled(s->k * s->n, s->f64),
                     filled(s->m * s->n, s->f64), filled(1 << 15, s->f64) };
    int calls[N_SIDES], rounds = 0;
    static double rate[N_SIDES][MAX_ROUNDS];
    for (int side = 0; side < N_SIDES; side++) {
        calls[side] = calls_for(&w, side);
    }
    const double end = now() + seconds;
    while (rounds < MAX_ROUNDS && (rounds < 5 || now() < end)) {
        for (int side = 0; side < N_SIDES; side++) {
            const double begin = now();
            for (int i = 0; i < calls[side]; i++) {
                sides[side](&w);
            }
            rate[side][rounds] = calls[side] * flops(s, side) / (now() - begin) * 1e-9;
        }
        rounds++;
    }
    double median[N_SIDES], best[N_SIDES];
    for (int side = 0; side < N_SIDES; side++) {
        qsort(rate[side], (size_t)rounds, sizeof(double), ascending);
        median[side] = calls[side] ? rate[side][rounds / 2] : 0;
        best[side] = calls[side] ? rate[side][rounds - 1] : 0;
    }
    const double peer = median[2] > median[3] ? median[2] : median[3];
    printf("%s %c%c %5ld %5ld %5ld | %6.1f %6.1f | %6.1f %6.1f | %6.1f %6.1f | %6.1f %6.1f | %5.1f "
           "%% | %5.2f\n",
           s->f64 ? "f64" : "f32", s->ta ? 'T' : 'N', s->tb ? 'T' : 'N', (long)s->m, (long)s->n,
           (long)s->k, median[0], best[0], median[1], best[1], median[2], best[2], median[3],
           best[3], 100 * median[1] / median[0], peer > 0 ? median[1] / peer : 0.0);
    fflush(stdout);
    free(w.a);
    free(w.b);
    free(w.c);
    free(w.panels);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_gemm [targets|squares] [--threads N] [--seconds S] [--f64] [m n "
                    "k [nn|nt|tn|tt]]\n");
    return 2;
}

int main(int argc, char **argv)
{
    double seconds = 0.3;
    bool squares = false;
    shape one = { 0 };
    const char *threads = "1";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) {
            threads = argv[++i];
        } else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) {
            seconds = atof(argv[++i]);
        } else if (!strcmp(argv[i], "--f64")) {
            one.f64 = true;
        } else if (!strcmp(argv[i], "squares")) {
            squares = true;
        } else if (i + 2 < argc && atoi(argv[i]) > 0) {
            one.m = atoi(argv[i]);
            one.n = atoi(argv[i + 1]);
            one.k = atoi(argv[i + 2]);
            i += 2;
        } else if (strlen(argv[i]) == 2) {
            one.ta = argv[i][0] == 't';
            one.tb = argv[i][1] == 't';
        } else if (strcmp(argv[i], "targets") != 0) {
            return usage();
        }
    }
    setenv("HONE_NUM_THREADS", threads, 1);
    omp_set_num_threads(atoi(threads)); /* for oneDNN */
    if (atoi(threads) > 1) {
        the_clock = CLOCK_MONOTONIC;
    }
    if (!hone__ready()) {
        return usage();
    }
    open_peers(atoi(threads));
    printf("%s, %s threads; GFLOP/s, median and best\n", hone__k->name, threads);
    printf("           m     n     k |  kernel peak  |     hone      |   OpenBLAS    |    oneDNN   "
           "  | of peak | to peer\n");
    if (one.m) {
        compare(&one, seconds);
    } else if (squares) {
        for (int64_t n = 16; n <= 512; n += n < 128 ? 16 : 64) {
            compare(&(shape){ .m = n, .n = n, .k = n, .f64 = one.f64 }, seconds);
        }
    } else {
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            compare(&targets[i], seconds);
        }
    }
    return 0;
}
