/* Over 20 steps under autocast the losses of four small networks follow PyTorch's under its autocast,
 * from the same weights and batches: make_autocast_golden.py says where autocast_losses.txt comes from. */
#include <criterion/criterion.h>
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, DATA = 1000 /* the first stream of data */ };

static uint64_t hashed(uint64_t stream, uint64_t i)
{
    uint64_t z = ((stream << 32) + i) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float real(uint64_t stream, int64_t i, double scale)
{
    return (float)(((double)(hashed(stream, (uint64_t)i) >> 40) / 16777216.0 - 0.5) * scale);
}

static hone_module *model_of(const char *spec, double scale)
{
    hone_module *model = hone_model(spec);
    cr_assert(model, "%s", hone_error_message());
    const hone_named_list all = hone_named_parameters(model);
    for (int p = 0; p < all.n; p++) {
        hone_tensor *t = all.at[p].tensor;
        const bool bias = strstr(all.at[p].name, "bias");
        float *at = hone_data(t);
        for (int64_t i = 0; i < hone_numel(t); i++)
            at[i] = hone_dim(t) > 1 ? real((uint64_t)p + 1, i, scale) : !bias;
    }
    return model;
}

/* ---- batches */

static void pictures(int step, int64_t channels, int64_t side, hone_tensor **x, hone_tensor **y)
{
    enum { N = 16 };
    const int64_t n = channels * side * side;
    int64_t label[N];
    *x = hone_empty(HONE_F32, N, channels, side, side);
    float *at = hone_data(*x);
    for (int64_t i = 0; i < N; i++) {
        label[i] = (int64_t)(hashed((uint64_t)(DATA + step), (uint64_t)i) % 10);
        for (int64_t k = 0; k < n; k++)
            at[i * n + k] = real(DATA - 1, label[i] * n + k, 4) +
                            real((uint64_t)(DATA + 100 + step), i * n + k, 2);
    }
    *y = hone_from_data(HONE_I64, label, N);
}

static void tokens(int step, int64_t length, int64_t vocab, hone_tensor **x, hone_tensor **y)
{
    enum { N = 8 };
    *x = hone_empty(HONE_I64, N, length);
    *y = hone_empty(HONE_I64, N * length);
    int64_t *in = hone_data(*x), *out = hone_data(*y);
    for (int64_t row = 0; row < N; row++) {
        int64_t last = 0;
        for (int64_t i = 0; i <= length; i++) {
            const uint64_t h = hashed((uint64_t)(DATA + step), (uint64_t)(row * (length + 1) + i));
            const bool drawn = i == 0 || (h >> 32) % 5 == 0;
            last = drawn ? (int64_t)(h % (uint64_t)vocab) : (3 * last + 1) % vocab;
            if (i < length)
                in[row * length + i] = last;
            if (i > 0)
                out[row * length + i - 1] = last;
        }
    }
}

/* ---- the networks of the script */

static void lenet_batch(int step, hone_tensor **x, hone_tensor **y)
{
    pictures(step, 1, 28, x, y);
}
static void resnet_batch(int step, hone_tensor **x, hone_tensor **y)
{
    pictures(step, 3, 32, x, y);
}
static void gpt_batch(int step, hone_tensor **x, hone_tensor **y)
{
    tokens(step, 16, 64, x, y);
}
static void lstm_batch(int step, hone_tensor **x, hone_tensor **y)
{
    tokens(step, 12, 32, x, y);
}

static hone_optim *lenet_optim(hone_module *model)
{
    return hone_sgd(model, &(hone_sgd_options){ .lr = 0.03, .momentum = 0.9 });
}
/* At a rate of 0.01 PyTorch's own losses with oneDNN and without it are 1.8 % apart. */
static hone_optim *resnet_optim(hone_module *model)
{
    return hone_sgd(model, &(hone_sgd_options){ .lr = 0.004 });
}
static hone_optim *gpt_optim(hone_module *model)
{
    return hone_adamw(model, &(hone_adam_options){ .lr = 0.005, .weight_decay = 0.01 });
}
static hone_optim *lstm_optim(hone_module *model)
{
    return hone_adam(model, &(hone_adam_options){ .lr = 0.02 });
}

/* ---- the comparison */

static double step(hone_module *model, hone_optim *optim, hone_tensor *x, hone_tensor *y)
{
    HONE_SCOPE();
    HONE_AUTOCAST(HONE_BF16);
    hone_tensor *scores = hone_forward(model, x);
    cr_assert_eq(hone_dtype_of(scores), HONE_BF16);
    if (hone_dim(scores) == 3)
        scores = hone_reshape(scores, -1, hone_size(scores, 2));
    hone_tensor *loss = hone_cross_entropy(scores, y);
    hone_optim_zero_grad(optim);
    hone_backward(loss);
    hone_optim_step(optim);
    return hone_item(loss);
}

/* The line of the file that begins with the network's name. */
static void compare(const char *net, hone_optim *(*optimizer)(hone_module *),
                    void (*batch)(int, hone_tensor **, hone_tensor **))
{
    HONE_SCOPE();
    char line[1024] = "";
    FILE *f = fopen(HONE_SOURCE_DIR "/tests/golden/autocast_losses.txt", "r");
    cr_assert(f);
    while (strncmp(line, net, strlen(net)) != 0)
        cr_assert(fgets(line, sizeof line, f), "no line of %s", net);
    fclose(f);
    char *rest = strchr(line, ' ');
    *rest++ = '\0';
    hone_module *model = model_of(line, strtod(rest, &rest));
    hone_optim *optim = optimizer(model);
    double worst = 0, first = 0, last = 0;
    for (int i = 0; i < STEPS; i++) {
        HONE_SCOPE();
        hone_tensor *x, *y;
        batch(i, &x, &y);
        const double want = strtod(rest, &rest), loss = step(model, optim, x, y);
        const double off = fabs(loss - want) / want;
        cr_expect(off <= 0.02, "%s, step %d: %.7g, PyTorch %.7g, %s", net, i + 1, loss, want,
                  hone_error_message());
        worst = off > worst ? off : worst;
        first = i == 0 ? loss : first;
        last = loss;
    }
    cr_expect(last < 0.95 * first, "%s: from %g to %g", net, first, last);
    printf("%s: largest relative difference %.2g\n", net, worst);
    hone_optim_free(optim);
    hone_module_free(model);
}

Test(golden_autocast, lenet)
{
    compare("lenet", lenet_optim, lenet_batch);
}
Test(golden_autocast, resnet)
{
    compare("resnet", resnet_optim, resnet_batch);
}
Test(golden_autocast, gpt)
{
    compare("gpt", gpt_optim, gpt_batch);
}
Test(golden_autocast, lstm)
{
    compare("lstm", lstm_optim, lstm_batch);
}
