/* checkpoint.c: what a checkpoint costs while training goes on: the steps while its file is written beside
 * those when none is, in turn, and the copy of the state, which is apart. Medians of milliseconds.
 *
 *     checkpoint [--threads N] [--seconds S] [--dir DIR]    S for each network, 10 by default */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_STEPS = 100000, MAX_COPIES = 1000, USUAL = 10 /* steps between two files, at least */ };

static const struct {
    const char *spec;
    int64_t batch, shape[3]; /* of a sample; 0: tokens */
} networks[] = {
    { "lenet:width=4", 64, { 1, 28, 28 } },
    { "resnet18:num_classes=10,small=True", 8, { 3, 32, 32 } },
    { "gpt:vocab=256,context=64,layers=4,heads=8,width=512", 8, { 0, 64, 0 } },
};

static double now_ms(void)
{
    return 1e-6 * now_ns();
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *of, int n)
{
    qsort(of, (size_t)n, sizeof *of, by_size);
    return n ? of[n / 2] : 0;
}

static double step(hone_module *model, hone_optim *optim, hone_tensor *x, hone_tensor *y)
{
    HONE_SCOPE();
    const double begin = now_ms();
    hone_tensor *scores = hone_forward(model, x);
    if (hone_dim(scores) == 3) /* of tokens */
        scores =
            hone_reshape(scores, hone_size(scores, 0) * hone_size(scores, 1), hone_size(scores, 2));
    hone_optim_zero_grad(optim);
    hone_backward(hone_cross_entropy(scores, y));
    hone_optim_step(optim);
    return now_ms() - begin;
}

static void measure(int which, double seconds, const char *path)
{
    HONE_SCOPE();
    static double usual[MAX_STEPS], writing[MAX_STEPS], copies[MAX_COPIES];
    int n_usual = 0, n_writing = 0, n_copies = 0;
    const int64_t n = networks[which].batch, *s = networks[which].shape;
    const bool tokens = s[0] == 0;
    hone_seed(0);
    hone_module *model = hone_model(networks[which].spec);
    hone_optim *optim = hone_adam(model, NULL);
    hone_tensor *x = tokens ? hone_randint(HONE_I64, 0, 256, n, s[1])
                            : hone_randn(HONE_F32, n, s[0], s[1], s[2]);
    hone_tensor *y = hone_randint(HONE_I64, 0, 10, tokens ? n * s[1] : n);
    hone_checkpoint *file = hone_checkpoint_new(path, NULL);
    hone_checkpoint_module(file, "model", model);
    hone_checkpoint_optim(file, "optim", optim);
    for (int i = 0; i < 5; i++)
        step(model, optim, x, y);
    hone_checkpoint_save(file); /* takes the memory of the copy */
    hone_checkpoint_wait(file);
    const double end = now_ms() + 1e3 * seconds;
    double written = 0;
    while (hone_error_code() == HONE_OK && now_ms() < end && n_copies < MAX_COPIES) {
        for (int i = 0; i < USUAL && n_usual < MAX_STEPS; i++)
            usual[n_usual++] = step(model, optim, x, y);
        const double begin = now_ms();
        hone_checkpoint_save(file);
        const double copied = now_ms();
        copies[n_copies++] = copied - begin;
        while (hone_checkpoint_busy(file) && n_writing < MAX_STEPS) {
            const double ms = step(model, optim, x, y);
            if (hone_checkpoint_busy(file)) /* one in whose middle it ended is neither */
                writing[n_writing++] = ms;
        }
        written += now_ms() - copied;
        hone_checkpoint_wait(file);
    }
    struct stat st = { 0 };
    stat(path, &st);
    const double a = median(usual, n_usual), b = median(writing, n_writing);
    printf("%-56s %8.2f %8.2f %6.3f %7d %9.2f %9.1f %7.1f\n", networks[which].spec, a, b, b / a,
           n_writing, median(copies, n_copies), written / n_copies, (double)st.st_size / 1e6);
    fflush(stdout);
    hone_checkpoint_free(file);
    hone_optim_free(optim);
    hone_module_free(model);
    unlink(path);
}

int main(int argc, char **argv)
{
    double seconds = 10;
    char path[1024] = "checkpoint.measured";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            hone_set_threads(atoi(argv[i + 1]));
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = atof(argv[i + 1]);
        if (strcmp(argv[i], "--dir") == 0)
            snprintf(path, sizeof path, "%s/checkpoint.measured", argv[i + 1]);
    }
    printf("%d threads, %s\n%-56s %8s %8s %6s %7s %9s %9s %7s\n", hone_threads(), hone_isa(),
           "network (Adam)", "step ms", "writing", "ratio", "steps", "copy ms", "write ms", "MB");
    for (size_t i = 0; i < sizeof networks / sizeof *networks && hone_error_code() == HONE_OK; i++)
        measure((int)i, seconds, path);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    return hone_error_code() != HONE_OK;
}
