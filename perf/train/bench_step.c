/* bench_step.c: where a training step's time goes: forward, backward and update of
 * multi-layer perceptrons for several batches, in microseconds, medians over the steps.
 *
 *     bench_step [--threads N] [--seconds S]          S for each row, 0.5 by default */
#include "../clock.h"

#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 5, MAX_STEPS = 20000, N_PHASES = 3 };

static const struct {
    int64_t size[MAX_SIZES]; /* ends with 0 */
    int64_t batch;
} rows[] = {
    { { 784, 100, 10 }, 1 },
    { { 784, 100, 10 }, 10 },
    { { 784, 100, 10 }, 100 },
    { { 784, 100, 10 }, 1000 },
    { { 784, 30, 10 }, 100 },
    { { 784, 512, 512, 10 }, 128 },
    { { 1024, 1024, 1024, 1024, 10 }, 64 },
};

static double now_us(void)
{
    return 1e-3 * now_ns();
}

static hone_module *network(const int64_t *size)
{
    hone_module *layer[2 * MAX_SIZES];
    int n = 0;
    for (int i = 0; i + 1 < MAX_SIZES && size[i + 1]; i++) {
        if (i)
            layer[n++] = hone_nn_relu();
        layer[n++] = hone_nn_linear(size[i], size[i + 1]);
    }
    return hone_nn_sequential_n(layer, n);
}

/* Microseconds of each phase of one step. */
static void step(hone_module *model, hone_optim *optim, hone_tensor *x, hone_tensor *y, float *us)
{
    HONE_SCOPE();
    double t0 = now_us();
    hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
    double t1 = now_us();
    hone_optim_zero_grad(optim);
    hone_backward(loss);
    double t2 = now_us();
    hone_optim_step(optim);
    double t3 = now_us();
    us[0] = (float)(t1 - t0);
    us[1] = (float)(t2 - t1);
    us[2] = (float)(t3 - t2);
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float median(float *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare_floats);
    return v[n / 2];
}

static void measure(const int64_t *size, int64_t batch, double seconds)
{
    static float phase[N_PHASES][MAX_STEPS];
    HONE_SCOPE();
    hone_module *model = network(size);
    hone_optim *optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.01 });
    hone_tensor *x = hone_rand(HONE_F32, batch, size[0]);
    hone_tensor *y = hone_randint(HONE_I64, 0, 10, batch);
    float us[N_PHASES];
    for (int i = 0; i < 20; i++) /* pools and caches fill */
        step(model, optim, x, y, us);
    int n = 0;
    for (double end = now_us() + 1e6 * seconds; n < MAX_STEPS && now_us() < end; n++) {
        step(model, optim, x, y, us);
        for (int p = 0; p < N_PHASES; p++)
            phase[p][n] = us[p];
    }
    char name[64];
    int used = 0;
    for (int i = 0; i < MAX_SIZES && size[i]; i++)
        used += snprintf(name + used, sizeof name - (size_t)used, i ? "-%d" : "%d", (int)size[i]);
    float forward = median(phase[0], n), backward = median(phase[1], n),
          update = median(phase[2], n);
    double all = (double)forward + (double)backward + (double)update;
    printf("%-24s %6d %10.1f %10.1f %10.1f %12.0f\n", name, (int)batch, (double)forward,
           (double)backward, (double)update, 1e6 * (double)batch / all);
    hone_optim_free(optim);
    hone_module_free(model);
}

int main(int argc, char **argv)
{
    double seconds = 0.5;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            hone_set_threads(atoi(argv[i + 1]));
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = atof(argv[i + 1]);
    }
    printf("%s, %d threads; microseconds a step\n", hone_isa(), hone_threads());
    printf("%-24s %6s %10s %10s %10s %12s\n", "network", "batch", "forward", "backward", "update",
           "samples/s");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && hone_error_code() == HONE_OK; i++)
        measure(rows[i].size, rows[i].batch, seconds);
    if (hone_error_code() == HONE_OK)
        return 0;
    fprintf(stderr, "%s\n", hone_error_message());
    return 1;
}
