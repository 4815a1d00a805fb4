/* never_slower: a training step of a network of two linear layers, widths by batches, on one thread
 * and on the team (hone_set_threads, so the cost model decides). The two alternate, and the best of
 * each counts, as other programs only ever add.
 *   never_slower [THREADS [SECONDS a shape]]    default: hone's own team, 0.1
 * Prints the ratio team/one of every shape, then the worst; status 1 if one is above 1.05. */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>

#define TARGET 1.05

static const int64_t widths[] = { 16, 32, 64, 128, 256, 512, 1024, 2048 };
static const int64_t batches[] = { 1, 4, 16, 64, 128, 512 };
enum { WIDTHS = sizeof widths / sizeof *widths, BATCHES = sizeof batches / sizeof *batches };

static double now_s(void)
{
    return 1e-9 * now_ns();
}

typedef struct {
    hone_module *model;
    hone_optim *optim;
    hone_tensor *x, *y;
} training;

static void step(const training *t)
{
    HONE_SCOPE();
    hone_optim_zero_grad(t->optim);
    hone_backward(hone_cross_entropy(hone_forward(t->model, t->x), t->y));
    hone_optim_step(t->optim);
}

static double time_steps(const training *t, int threads, int n)
{
    hone_set_threads(threads);
    step(t); /* wakes the team */
    const double began = now_s();
    for (int i = 0; i < n; i++)
        step(t);
    return (now_s() - began) / n;
}

/* Time of the team's step by that of one thread's. */
static double ratio_of(int64_t width, int64_t batch, int threads, double seconds, double *one_s)
{
    HONE_SCOPE();
    training t = { .x = hone_randn(HONE_F32, batch, width) };
    t.y = hone_to(hone_mul_scalar(hone_rand(HONE_F32, batch), 9.99), HONE_I64);
    t.model =
        hone_nn_sequential(hone_nn_linear(width, width), hone_nn_relu(), hone_nn_linear(width, 10));
    t.optim = hone_sgd(t.model, &(hone_sgd_options){ .lr = 0.001, .momentum = 0.9 });
    const double first = time_steps(&t, 1, 1);
    const int n = first < 2e-3 ? (int)(2e-3 / first) : 1;
    double one = 1e9, team = 1e9;
    const double began = now_s();
    for (int round = 0; round < 3 || now_s() - began < seconds; round++) {
        const double a = time_steps(&t, 1, n), b = time_steps(&t, threads, n);
        one = a < one ? a : one;
        team = b < team ? b : team;
    }
    hone_optim_free(t.optim);
    hone_module_free(t.model);
    *one_s = one;
    return team / one;
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : hone_threads();
    const double seconds = argc > 2 ? atof(argv[2]) : 0.1;
    double worst = 0;
    int64_t worst_width = 0, worst_batch = 0;
    int above = 0;
    printf("%d threads / 1 thread, time of a training step; a row a width, a column a batch\n     ",
           threads);
    for (int b = 0; b < BATCHES; b++)
        printf("%7lld", (long long)batches[b]);
    for (int w = 0; w < WIDTHS; w++) {
        printf("\n%5lld", (long long)widths[w]);
        for (int b = 0; b < BATCHES; b++) {
            double one_s;
            const double ratio = ratio_of(widths[w], batches[b], threads, seconds, &one_s);
            printf("%7.2f", ratio);
            fflush(stdout);
            above += ratio > TARGET;
            if (ratio > worst) {
                worst = ratio;
                worst_width = widths[w];
                worst_batch = batches[b];
            }
        }
    }
    printf("\nworst %.2f (width %lld, batch %lld); above %.2f: %d of %d shapes\n", worst,
           (long long)worst_width, (long long)worst_batch, TARGET, above, WIDTHS * BATCHES);
    if (hone_error_code() != HONE_OK) {
        fprintf(stderr, "never_slower: %s\n", hone_error_message());
        return 2;
    }
    return above > 0;
}
