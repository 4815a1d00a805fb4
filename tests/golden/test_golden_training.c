/* The first 100 losses of the lecture's network agree with PyTorch's, from the same weights and
 * batches: synthetic.txt always, mnist.txt where MNIST is. make_training_golden.py says where the
 * numbers come from. */
#include <criterion/criterion.h>
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { STEPS = 100, BATCH = 100, PIXELS = 784, HIDDEN = 100, CLASSES = 10 };
enum { WEIGHT1 = 1, WEIGHT2, PROTOTYPE, PIXEL, LABEL }; /* streams */

static uint64_t hashed(uint64_t stream, uint64_t i)
{
    uint64_t z = ((stream << 32) + i) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static hone_tensor *weight(uint64_t stream, int64_t rows, int64_t columns, double scale)
{
    hone_tensor *w = hone_empty(HONE_F32, rows, columns);
    cr_assert(w, "%s", hone_error_message());
    float *at = hone_data(w);
    for (int64_t i = 0; i < rows * columns; i++)
        at[i] = (float)(((double)(hashed(stream, (uint64_t)i) >> 40) / 16777216.0 - 0.5) * scale);
    return hone_requires_grad_(w, true);
}

/* Ten patterns seen through noise, u8 [STEPS * BATCH, PIXELS]; a fifth of the labels is random. */
static void synthetic(hone_dataset *set)
{
    int64_t n = STEPS * BATCH;
    uint8_t *pixels = malloc((size_t)n * PIXELS);
    int64_t *labels = malloc((size_t)n * sizeof *labels);
    cr_assert(pixels && labels);
    for (int64_t i = 0; i < n; i++) {
        uint64_t label = hashed(LABEL, (uint64_t)i), pattern = label % CLASSES;
        bool known = (label >> 32) % 5 != 0;
        labels[i] = (int64_t)(known ? pattern : (label >> 40) % CLASSES);
        for (int64_t p = 0; p < PIXELS; p++) {
            uint64_t h = hashed(PIXEL, (uint64_t)(i * PIXELS + p));
            bool on = hashed(PROTOTYPE, pattern * PIXELS + (uint64_t)p) >> 56 < 40;
            bool white = on != (h >> 56 < 64);
            pixels[i * PIXELS + p] = white ? (uint8_t)(h >> 48 & 255) : 0;
        }
    }
    hone_tensor *x = hone_from_data(HONE_U8, pixels, n, PIXELS);
    cr_assert(hone_dataset_from(x, hone_from_data(HONE_I64, labels, n), set) == HONE_OK);
    free(pixels);
    free(labels);
}

static void read_golden(const char *name, double *losses)
{
    char path[512], line[128];
    snprintf(path, sizeof path, "%s/tests/golden/%s", HONE_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    int n = 0;
    while (fgets(line, sizeof line, f))
        if (line[0] != '#' && n < STEPS)
            losses[n++] = atof(line);
    fclose(f);
    cr_assert(n == STEPS, "%s: %d losses", path, n);
}

/* The step written with fused layers, as hone_nn_linear runs it. */
static double step(hone_tensor *const *p, hone_optim *optim, hone_tensor *x, hone_tensor *y)
{
    HONE_SCOPE();
    hone_tensor *hidden = hone_relu(hone_linear(x, p[0], p[1]));
    hone_tensor *loss = hone_cross_entropy(hone_linear(hidden, p[2], p[3]), y);
    hone_optim_zero_grad(optim);
    hone_backward(loss);
    hone_optim_step(optim);
    return hone_item(loss);
}

static void compare(const hone_dataset *set, const char *golden)
{
    HONE_SCOPE();
    double wanted[STEPS];
    read_golden(golden, wanted);
    hone_tensor *p[4] = { weight(WEIGHT1, PIXELS, HIDDEN, 0.1875),
                          hone_requires_grad_(hone_zeros(HONE_F32, HIDDEN), true),
                          weight(WEIGHT2, HIDDEN, CLASSES, 0.375),
                          hone_requires_grad_(hone_zeros(HONE_F32, CLASSES), true) };
    hone_optim *optim = hone_sgd_list(hone_list_n(p, 4), &(hone_sgd_options){ .lr = 0.5 });
    hone_tensor *x = hone_reshape(hone_slice(set->x, 0, 0, STEPS * BATCH, 1), -1, PIXELS);
    x = hone_div_scalar(hone_to(x, HONE_F32), 255);
    double worst = 0;
    int at = 0;
    for (int i = 0; i < STEPS; i++) {
        HONE_SCOPE();
        int64_t begin = i * BATCH, end = begin + BATCH;
        double loss =
            step(p, optim, hone_slice(x, 0, begin, end, 1), hone_slice(set->y, 0, begin, end, 1));
        double off = fabs(loss - wanted[i]) / wanted[i];
        cr_assert(off <= 1e-5, "%s, step %d: %.9g, PyTorch %.9g, %s", golden, i + 1, loss,
                  wanted[i], hone_error_message());
        if (off > worst) {
            worst = off;
            at = i + 1;
        }
    }
    printf("%s: largest relative difference %.2g, step %d\n", golden, worst, at);
    hone_optim_free(optim);
}

Test(golden_training, synthetic)
{
    HONE_SCOPE();
    hone_dataset set;
    synthetic(&set);
    compare(&set, "synthetic.txt");
    hone_dataset_free(&set);
}

Test(golden_training, mnist)
{
    HONE_SCOPE();
    struct stat s;
    const char *dir = getenv("HONE_MNIST_DIR");
    dir = dir ? dir : HONE_SOURCE_DIR "/../shared/data/mnist";
    if (stat(dir, &s) != 0)
        cr_skip_test("no MNIST; HONE_MNIST_DIR can name its directory");
    hone_dataset set;
    cr_assert(hone_mnist(dir, HONE_TRAIN, &set) == HONE_OK, "%s", hone_error_message());
    compare(&set, "mnist.txt");
    hone_dataset_free(&set);
}
