/* positions: from how many positions a sample on should a weight's gradient be summed by samples? One
 * chain over all samples and positions, and a chain a sample whose ends are added: how far both are
 * from the exact sum, and how long they take. HONE__MANY_POSITIONS of src/ops/samples.h comes from
 * here.
 *
 *     positions [SAMPLES [M [N]]]        32 samples, a gradient of 64 x 64 by default */
#include "../clock.h"
#include "gemm/gemm.h"

#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 15 };

typedef struct {
    int64_t samples, positions, m, n;
    const float *x, *y; /* [samples positions, m], [.., n] */
    float *sum;         /* [m, n] */
} job;

static void product(const job *j, int64_t first, int64_t k, hone__gemm_accumulate how)
{
    hone__gemm_args g = hone__gemm_contiguous(HONE__GEMM_F32, j->m, j->n, k);
    g.a = j->x + first * j->m;
    g.a_rs = 1;
    g.a_cs = j->m;
    g.b = j->y + first * j->n;
    g.c = j->sum;
    g.chain = 1;
    g.accumulate = how;
    hone__gemm(&g);
}

static void one_chain(const void *of)
{
    const job *j = of;
    product(j, 0, j->samples * j->positions, HONE__GEMM_OVERWRITE);
}

static void by_samples(const void *of)
{
    const job *j = of;
    for (int64_t i = 0; i < j->samples; i++)
        product(j, i * j->positions, j->positions, i ? HONE__GEMM_AFTER : HONE__GEMM_OVERWRITE);
}

/* Root of the mean square error, in units of 2^-24 of the mean size of a sum. */
static double error(const job *j, const double *exact)
{
    double errors = 0, size = 0;
    for (int64_t i = 0; i < j->m * j->n; i++) {
        errors += (j->sum[i] - exact[i]) * (j->sum[i] - exact[i]);
        size += exact[i] * exact[i];
    }
    return sqrt(errors / size) * 16777216;
}

static void exact_sums(const job *j, double *exact)
{
    for (int64_t r = 0; r < j->m; r++)
        for (int64_t c = 0; c < j->n; c++) {
            double sum = 0;
            for (int64_t k = 0; k < j->samples * j->positions; k++)
                sum += (double)j->x[k * j->m + r] * (double)j->y[k * j->n + c];
            exact[r * j->n + c] = sum;
        }
}

/* Errors of sums of numbers around 0 and of positive ones, as activations are. */
static bool row(job j, double *exact)
{
    HONE_SCOPE();
    double errors[2][2], ns[2] = { 0, 0 };
    for (int positive = 0; positive < 2; positive++) {
        hone_tensor *x = hone_randn(HONE_F32, j.samples * j.positions, j.m);
        hone_tensor *y = hone_randn(HONE_F32, j.samples * j.positions, j.n);
        hone_tensor *sum = hone_zeros(HONE_F32, j.m, j.n);
        if (positive) {
            x = hone_relu(x);
            y = hone_abs(y);
        }
        if (!x || !y || !sum)
            return false;
        j.x = hone_data(x);
        j.y = hone_data(y);
        j.sum = hone_data(sum);
        exact_sums(&j, exact);
        ns[0] = best_ns(RUNS, one_chain, &j);
        errors[positive][0] = error(&j, exact);
        ns[1] = best_ns(RUNS, by_samples, &j);
        errors[positive][1] = error(&j, exact);
    }
    printf("%9lld %10.2f %10.2f %7.2f %12.2f %10.2f %7.2f %12.1f %10.1f %7.2f\n",
           (long long)j.positions, errors[0][0], errors[0][1], errors[0][0] / errors[0][1],
           errors[1][0], errors[1][1], errors[1][0] / errors[1][1], 1e-3 * ns[0], 1e-3 * ns[1],
           ns[1] / ns[0]);
    return true;
}

int main(int argc, char **argv)
{
    job j = { .samples = argc > 1 ? atoi(argv[1]) : 32,
              .m = argc > 2 ? atoi(argv[2]) : 64,
              .n = argc > 3 ? atoi(argv[3]) : 64 };
    double *exact = calloc((size_t)(j.m * j.n), sizeof *exact);
    if (!exact || j.samples < 1 || j.m < 1 || j.n < 1 || hone_init() != HONE_OK)
        return 1;
    hone_set_threads(1);
    printf("%lld samples, %lld x %lld, %s; errors in 2^-24 of the sums\n", (long long)j.samples,
           (long long)j.m, (long long)j.n, hone_isa());
    printf("%9s %10s %10s %7s %12s %10s %7s %12s %10s %7s\n", "positions", "one chain", "by sample",
           "ratio", "positive", "by sample", "ratio", "us one", "by sample", "ratio");
    bool good = true;
    for (j.positions = 4; good && j.positions <= 4096; j.positions *= 2)
        good = row(j, exact);
    free(exact);
    if (!good)
        fprintf(stderr, "%s\n", hone_error_message());
    return !good;
}
