/* contract_cost: what contract 1 (the same bits everywhere) costs: hone's f32 kernels beside the
 * same loops in plain C with -Ofast -march=native, one thread, in turn. Medians of many rounds. */
#include "contract_free.h"

#include "../clock.h"
#include "isa/isa.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 65536, ROUNDS = 41, PASSES = 1 << 18 /* elements a measurement, about */ };

typedef struct {
    const char *name;
    free_fn free;
    int kernel; /* of hone__k->unary, or as of `form` */
    enum { MAP, REDUCE, SOFTMAX } form;
} row;

static const row rows[] = {
    { "sum", free_sum, HONE__K_SUM, REDUCE },
    { "max", free_max, HONE__K_MAX, REDUCE },
    { "softmax", free_softmax, 0, SOFTMAX },
    { "sqrt", free_sqrt, HONE__K_SQRT, MAP },
    { "rsqrt", free_rsqrt, HONE__K_RSQRT, MAP },
    { "reciprocal", free_reciprocal, HONE__K_RECIPROCAL, MAP },
    { "exp", free_exp, HONE__K_EXP, MAP },
    { "log", free_log, HONE__K_LOG, MAP },
    { "sin", free_sin, HONE__K_SIN, MAP },
    { "tanh", free_tanh, HONE__K_TANH, MAP },
    { "sigmoid", free_sigmoid, HONE__K_SIGMOID, MAP },
};

static float x[MOST], y[MOST];

static void bound(const row *r, int64_t n)
{
    if (r->form == MAP)
        hone__k->unary[r->kernel][HONE__F32](n, y, 1, x, 1);
    else if (r->form == REDUCE)
        hone__k->reduce_rows[r->kernel][HONE__F32](1, n, x, n, y, 1);
    else
        hone__k->softmax[HONE__F32](1, n, y, n, x, n);
}

static int compare(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* ns an element of both, in turn */
static void measure(const row *r, int64_t n, double *ours, double *theirs)
{
    double took[2][ROUNDS];
    const int64_t calls = PASSES / n;
    for (int round = 0; round < ROUNDS; round++)
        for (int side = 0; side < 2; side++) {
            const double begin = now_ns();
            for (int64_t c = 0; c < calls; c++) {
                if (side == 0)
                    bound(r, n);
                else
                    r->free(n, y, x);
            }
            took[side][round] = (now_ns() - begin) / (double)(calls * n);
        }
    for (int side = 0; side < 2; side++)
        qsort(took[side], ROUNDS, sizeof(double), compare);
    *ours = took[0][ROUNDS / 2];
    *theirs = took[1][ROUNDS / 2];
}

int main(void)
{
    hone__isa_use(hone__isa_best());
    for (int i = 0; i < MOST; i++)
        x[i] = 0.1f + 3.9f * (float)(rand() % 10007) / 10007;
    printf("contract_cost, f32, %s: ns an element, one thread\n", hone__k->name);
    printf("%-12s %8s %8s %8s %8s\n", "", "elements", "hone", "-Ofast", "ratio");
    static const int64_t sizes[] = { 2048, MOST };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int s = 0; s < 2; s++) {
            double ours, theirs;
            measure(&rows[i], sizes[s], &ours, &theirs);
            printf("%-12s %8d %8.3f %8.3f %8.2f\n", rows[i].name, (int)sizes[s], ours, theirs,
                   theirs / ours);
        }
    return 0;
}
