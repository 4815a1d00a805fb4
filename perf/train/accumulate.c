/* accumulate.c: what a batch in parts costs: the time of a step and the memory of its activations, for
 * 1, 2, 4, ... parts in turn, beside a step without parts.
 *
 *     accumulate [--threads N] [--rounds N] [--batch N]        7 rounds, a batch of 256 by default */
#include "../clock.h"

#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 101, IN = 784, WIDTH = 4096, CLASSES = 10 };
static const int cuts[] = { 0, 1, 2, 4, 8, 16 }; /* 0: without hone_accumulate_begin() */
enum { N_CUTS = sizeof cuts / sizeof *cuts };

static double now_ms(void)
{
    return 1e-6 * now_ns();
}

typedef struct {
    hone_module *model;
    hone_optim *optim;
    hone_tensor *x, *y;
    int64_t most; /* bytes of a walk's activations */
} work;

static int64_t in_use(void)
{
    hone_memory m;
    hone_memory_stats(&m);
    return m.in_use_bytes;
}

/* Every op's inputs are alive where the loss has been made: that is when most is. */
static void walk(work *w, int64_t begin, int64_t end)
{
    HONE_SCOPE();
    const int64_t before = in_use();
    hone_tensor *x = hone_slice(w->x, 0, begin, end, 1), *y = hone_slice(w->y, 0, begin, end, 1);
    hone_tensor *loss = hone_cross_entropy(hone_forward(w->model, x), y);
    const int64_t bytes = in_use() - before;
    w->most = bytes > w->most ? bytes : w->most;
    hone_backward(loss);
}

static void step(work *w, int parts)
{
    HONE_SCOPE();
    const int64_t n = hone_size(w->x, 0);
    hone_optim_zero_grad(w->optim);
    if (parts == 0)
        walk(w, 0, n);
    else
        hone_accumulate_begin(n);
    for (int64_t i = 0; i < parts; i++) {
        hone_accumulate_part((i + 1) * n / parts - i * n / parts);
        walk(w, i * n / parts, (i + 1) * n / parts);
    }
    if (parts > 0)
        hone_accumulate_end();
    hone_optim_step(w->optim);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int rounds = 7;
    int64_t batch = 256;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            hone_set_threads(atoi(argv[i + 1]));
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--batch") == 0)
            batch = atoi(argv[i + 1]);
    }
    rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    static double ms[N_CUTS][MOST_ROUNDS];
    int64_t memory[N_CUTS] = { 0 };
    hone_module *model =
        hone_nn_sequential(hone_nn_linear(IN, WIDTH), hone_nn_relu(), hone_nn_linear(WIDTH, WIDTH),
                           hone_nn_relu(), hone_nn_linear(WIDTH, CLASSES));
    work w = { .model = model,
               .optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.01 }),
               .x = hone_randn(HONE_F32, batch, IN),
               .y = hone_randint(HONE_I64, 0, CLASSES, batch) };
    for (int c = 0; c < N_CUTS; c++)
        step(&w, cuts[c]);
    for (int r = 0; r < rounds && hone_error_code() == HONE_OK; r++)
        for (int c = 0; c < N_CUTS; c++) {
            w.most = 0;
            const double begin = now_ms();
            step(&w, cuts[c]);
            ms[c][r] = now_ms() - begin;
            memory[c] = w.most;
        }
    printf("784-4096-4096-10, batch %lld, %s, %d threads\n", (long long)batch, hone_isa(),
           hone_threads());
    printf("%-8s %10s %10s %8s %14s %8s\n", "parts", "ms median", "min", "ratio", "activations MB",
           "ratio");
    for (int c = 0; c < N_CUTS; c++)
        qsort(ms[c], (size_t)rounds, sizeof(double), compare);
    for (int c = 0; c < N_CUTS; c++)
        printf("%-8d %10.1f %10.1f %8.3f %14.2f %8.3f\n", cuts[c], ms[c][rounds / 2], ms[c][0],
               ms[c][rounds / 2] / ms[0][rounds / 2], 1e-6 * (double)memory[c],
               (double)memory[c] / (double)memory[0]);
    hone_optim_free(w.optim);
    hone_module_free(model);
    if (hone_error_code() == HONE_OK)
        return 0;
    fprintf(stderr, "%s\n", hone_error_message());
    return 1;
}
