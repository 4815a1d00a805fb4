/* What a profile that runs costs: an op of four elements, and a step of lenet, with and without in turn,
 * so that both see the same clock and neighbours. Fails past 150 ns an op and 2 % of a step, by the
 * best rounds. */
#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct {
    hone_module *model;
    hone_optim *optim;
    hone_tensor *x, *y;
} work;

static double ops(work *w)
{
    enum { N = 2000 };
    HONE_NO_GRAD();
    const double begin = seconds();
    for (int i = 0; i < N; i++) {
        HONE_SCOPE();
        hone_neg(w->y);
    }
    return (seconds() - begin) / N;
}

static double steps(work *w)
{
    enum { N = 4 };
    const double begin = seconds();
    for (int i = 0; i < N; i++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(w->model, w->x), w->y);
        hone_optim_zero_grad(w->optim);
        hone_backward(loss);
        hone_optim_step(w->optim);
    }
    return (seconds() - begin) / N;
}

/* Best and median, off and on. */
static void measure(double (*run)(work *w), work *w, int rounds, double best[2], double median[2])
{
    double *took[2] = { calloc((size_t)rounds, sizeof(double)),
                        calloc((size_t)rounds, sizeof(double)) };
    run(w);
    for (int i = 0; i < rounds; i++)
        for (int on = 0; on < 2; on++) {
            if (on)
                hone_profile_begin(&(hone_profile_options){ .events = "none", .no_roofs = true });
            took[on][i] = run(w);
            if (on)
                hone_profile_end();
        }
    for (int on = 0; on < 2; on++) {
        qsort(took[on], (size_t)rounds, sizeof(double), ascending);
        best[on] = took[on][0];
        median[on] = took[on][rounds / 2];
        free(took[on]);
    }
}

int main(void)
{
    double best[2], median[2];
    hone_seed(0);
    work w = { .model = hone_model("lenet"), .x = hone_rand(HONE_F32, 100, 1, 28, 28) };
    w.optim = hone_sgd(w.model, &(hone_sgd_options){ .lr = 1e-3 });
    w.y = hone_randint(HONE_I64, 0, 10, 100);
    measure(ops, &w, 200, best, median);
    const double each = 1e9 * (best[1] - best[0]);
    printf("an op: %.0f ns without, %.0f ns with: %.0f ns (medians %.0f)\n", 1e9 * best[0],
           1e9 * best[1], each, 1e9 * (median[1] - median[0]));
    measure(steps, &w, 60, best, median);
    const double share = 100 * (best[1] / best[0] - 1);
    printf("a lenet step: %.3f ms without, %.3f ms with: %.2f %% (medians %.2f %%)\n",
           1e3 * best[0], 1e3 * best[1], share, 100 * (median[1] / median[0] - 1));
    hone_optim_free(w.optim);
    hone_module_free(w.model);
    if (hone_error_code() != HONE_OK)
        puts(hone_error_message());
    return hone_error_code() != HONE_OK || each > 150 || share > 2;
}
