/* oracle.c: sums over samples as the contract's text has them, in plain C that shares nothing with
 * hone: linear and its gradients, a bias, layer norm's scale and shift, an index, and all of them
 * gone on with a second part. The same bits are wanted. */
#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 13, FIRST = 5, IN = 37, OUT = 21, POSITIONS = 3, WORDS = 9 };

static int failures;

static const float *values(hone_tensor *t)
{
    return hone_data(hone_contiguous(t));
}

static void compare(const char *what, hone_tensor *got, const float *want, size_t n)
{
    if (!got || (size_t)hone_numel(got) != n || memcmp(values(got), want, n * sizeof *want) != 0) {
        fprintf(stderr, "%s: other bits %s\n", what, hone_error_message());
        failures++;
    }
}

/* ---- the contract */

/* y[i,j] = chain over k of x[i,k] w[k,j], from +0; the bias once after it. */
static void forward(const float *x, const float *w, const float *b, float *y)
{
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < OUT; j++) {
            float acc = 0;
            for (int k = 0; k < IN; k++)
                acc = fmaf(x[i * IN + k], w[k * OUT + j], acc);
            y[i * OUT + j] = acc + b[j];
        }
}

static void of_x(const float *dy, const float *w, float *dx)
{
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < IN; k++) {
            float acc = 0;
            for (int j = 0; j < OUT; j++)
                acc = fmaf(dy[i * OUT + j], w[k * OUT + j], acc);
            dx[i * IN + k] = acc;
        }
}

/* One chain over the samples, begun with what dw holds. */
static void of_w(const float *x, const float *dy, float *dw)
{
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < IN; k++)
            for (int j = 0; j < OUT; j++)
                dw[k * OUT + j] = fmaf(x[i * IN + k], dy[i * OUT + j], dw[k * OUT + j]);
}

static void of_b(const float *dy, float *db)
{
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < OUT; j++)
            db[j] = db[j] + dy[i * OUT + j];
}

/* ---- linear */

static void check_linear(void)
{
    HONE_SCOPE();
    static float y[SAMPLES * OUT], dx[SAMPLES * IN], dw[IN * OUT], db[OUT];
    hone_tensor *x = hone_requires_grad_(hone_randn(HONE_F32, SAMPLES, IN), true);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, IN, OUT), true);
    hone_tensor *b = hone_requires_grad_(hone_randn(HONE_F32, OUT), true);
    hone_tensor *dy = hone_randn(HONE_F32, SAMPLES, OUT);
    forward(values(x), values(w), values(b), y);
    of_x(values(dy), values(w), dx);
    of_w(values(x), values(dy), dw);
    of_b(values(dy), db);
    hone_tensor *got = hone_linear(x, w, b);
    compare("linear", got, y, SAMPLES * OUT);
    hone_backward_with(got, &(hone_backward_options){ .gradient = dy });
    compare("linear by x", hone_grad(x), dx, SAMPLES * IN);
    compare("linear by the weight", hone_grad(w), dw, IN * OUT);
    compare("linear by the bias", hone_grad(b), db, OUT);
    of_w(values(x), values(dy), dw); /* a second batch: both go on */
    of_b(values(dy), db);
    hone_backward_with(hone_linear(hone_detach(x), w, b),
                       &(hone_backward_options){ .gradient = dy });
    compare("linear by the weight, twice", hone_grad(w), dw, IN * OUT);
    compare("linear by the bias, twice", hone_grad(b), db, OUT);
}

/* The weight used twice: the first use that the walk meets, which is the last of the forward, is
 * begun in .grad; the other has a sum of its own through all parts, which is added at the end. */
static void check_tied(void)
{
    HONE_SCOPE();
    static float first[IN * OUT], second[IN * OUT];
    hone_tensor *x[] = { hone_randn(HONE_F32, SAMPLES, IN), hone_randn(HONE_F32, SAMPLES, IN) };
    hone_tensor *dy = hone_randn(HONE_F32, SAMPLES, OUT);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, IN, OUT), true);
    of_w(values(x[1]), values(dy), first);
    of_w(values(x[0]), values(dy), second);
    for (int i = 0; i < IN * OUT; i++)
        first[i] = first[i] + second[i];
    hone_accumulate_begin(SAMPLES);
    for (int64_t begin = 0; begin < SAMPLES; begin += FIRST) {
        const int64_t end = begin + FIRST < SAMPLES ? begin + FIRST : SAMPLES;
        hone_accumulate_part(end - begin);
        hone_tensor *y = hone_matmul(hone_slice(x[0], 0, begin, end, 1), w);
        y = hone_add(y, hone_matmul(hone_slice(x[1], 0, begin, end, 1), w));
        const hone_backward_options of = { .gradient = hone_slice(dy, 0, begin, end, 1) };
        hone_backward_with(y, &of);
    }
    hone_accumulate_end();
    compare("tied weights", hone_grad(w), first, IN * OUT);
}

/* ---- layer norm: of each sample the sum of its positions, one after the other as there are few */

static void check_norm(void)
{
    HONE_SCOPE();
    float dw[IN] = { 0 }, db[IN] = { 0 };
    hone_tensor *x = hone_randn(HONE_F32, SAMPLES, POSITIONS, IN);
    hone_tensor *dy = hone_randn(HONE_F32, SAMPLES, POSITIONS, IN);
    hone_tensor *w = hone_requires_grad_(hone_ones(HONE_F32, IN), true);
    hone_tensor *b = hone_requires_grad_(hone_zeros(HONE_F32, IN), true);
    const float *v = values(hone_layer_norm(x, HONE_NONE, HONE_NONE, 1, 1e-5)), *d = values(dy);
    for (int s = 0; s < SAMPLES; s++)
        for (int j = 0; j < IN; j++) {
            float of_w = -0.0F, of_b = -0.0F;
            for (int p = 0; p < POSITIONS; p++) {
                const int at = (s * POSITIONS + p) * IN + j;
                of_w = fmaf(d[at], v[at], of_w);
                of_b = of_b + d[at];
            }
            dw[j] = dw[j] + of_w;
            db[j] = db[j] + of_b;
        }
    for (int64_t begin = 0; begin < SAMPLES; begin += FIRST) {
        const int64_t end = begin + FIRST < SAMPLES ? begin + FIRST : SAMPLES;
        hone_tensor *y = hone_layer_norm(hone_slice(x, 0, begin, end, 1), w, b, 1, 1e-5);
        const hone_backward_options of = { .gradient = hone_slice(dy, 0, begin, end, 1) };
        hone_backward_with(y, &of);
    }
    compare("layer_norm by the weight", hone_grad(w), dw, IN);
    compare("layer_norm by the bias", hone_grad(b), db, IN);
}

/* ---- index: contributions in the order of the indices */

static void check_index(void)
{
    HONE_SCOPE();
    float dw[WORDS * OUT] = { 0 };
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, WORDS, OUT), true);
    hone_tensor *ids = hone_randint(HONE_I64, 0, WORDS, SAMPLES, POSITIONS);
    hone_tensor *dy = hone_randn(HONE_F32, SAMPLES, POSITIONS, OUT);
    const int64_t *id = hone_data(ids);
    const float *d = values(dy);
    for (int i = 0; i < SAMPLES * POSITIONS; i++)
        for (int j = 0; j < OUT; j++)
            dw[id[i] * OUT + j] = dw[id[i] * OUT + j] + d[i * OUT + j];
    for (int64_t begin = 0; begin < SAMPLES; begin += FIRST) {
        const int64_t end = begin + FIRST < SAMPLES ? begin + FIRST : SAMPLES;
        hone_tensor *y = hone_index(w, hone_slice(ids, 0, begin, end, 1));
        const hone_backward_options of = { .gradient = hone_slice(dy, 0, begin, end, 1) };
        hone_backward_with(y, &of);
    }
    compare("index", hone_grad(w), dw, WORDS * OUT);
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(7);
    check_linear();
    check_tied();
    check_norm();
    check_index();
    return failures > 0;
}
