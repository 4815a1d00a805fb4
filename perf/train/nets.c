/* nets.c: whole training steps of the networks people train, for perf/compare/train_nets.py: for each
 * number read from standard input so many steps, and a line of their milliseconds.
 *
 *     nets NETWORK [--threads N] [--dtype bf16] [--eval] [--cpu | --profile] [--in-backward] [--recompute PATTERN]
 *         [--chunk N]
 *
 * as in: echo 5 | nets resnet32 --threads 1
 *
 * --chunk: a gpt's scores in chunks of so many rows. --dtype bf16: under autocast. --eval: no steps but forward passes without gradients; with --dtype bf16 the weights are of it.
 * --cpu: the time that its threads computed, not what passed: for machines where others compute, too. --profile: then
 * tables of where the time went.
 */
#include "../clock.h"

#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char lenet[] = "model Net():\n"
                            "    c1 = Conv2d(1, 32, 3)\n"
                            "    c2 = Conv2d(32, 64, 3)\n"
                            "    pool = MaxPool2d(2)\n"
                            "    f1 = Linear(1600, 128)\n"
                            "    f2 = Linear(128, 10)\n"
                            "    forward(x):\n"
                            "        x = pool(relu(c1(x)))\n"
                            "        x = pool(relu(c2(x)))\n"
                            "        return f2(relu(f1(flatten(x, 1))))\n";

static const char mobilenet[] =
    "model Block(in, out, stride):\n"
    "    depth = Conv2d(in, in, 3, stride=stride, padding=1, groups=in, bias=False)\n"
    "    norm1 = BatchNorm2d(in)\n"
    "    point = Conv2d(in, out, 1, bias=False)\n"
    "    norm2 = BatchNorm2d(out)\n"
    "    forward(x):\n"
    "        x = relu(norm1(depth(x)))\n"
    "        return relu(norm2(point(x)))\n"
    "model Net():\n"
    "    stem = Conv2d(3, 32, 3, stride=2, padding=1, bias=False)\n"
    "    norm = BatchNorm2d(32)\n"
    "    blocks = Sequential(Block(32, 64, 1), Block(64, 128, 2), Block(128, 128, 1),\n"
    "                        Block(128, 256, 2), Block(256, 256, 1), Block(256, 512, 2))\n"
    "    fc = Linear(512, 10)\n"
    "    forward(x):\n"
    "        x = blocks(relu(norm(stem(x))))\n"
    "        return fc(mean(x, dim=(2, 3)))\n";

static const char mlp[] = "model Net():\n"
                          "    a = Linear(784, 4096)\n"
                          "    b = Linear(4096, 4096)\n"
                          "    c = Linear(4096, 10)\n"
                          "    forward(x):\n"
                          "        return c(relu(b(relu(a(x)))))\n";

typedef enum { SGD, MOMENTUM, ADAM, ADAMW } optimizer;

static const struct net {
    const char *name, *model, *text; /* of hone_model(), or a description */
    int64_t in[4];                   /* images; {batch, length} of tokens */
    int64_t values;                  /* classes or words */
    optimizer optim;
} nets[] = {
    { "lenet", NULL, lenet, { 128, 1, 28, 28 }, 10, SGD },
    { "resnet32", "resnet18:num_classes=10,small=True", NULL, { 32, 3, 32, 32 }, 10, MOMENTUM },
    { "resnet224", "resnet18:num_classes=1000", NULL, { 8, 3, 224, 224 }, 1000, MOMENTUM },
    { "mobilenet", NULL, mobilenet, { 32, 3, 64, 64 }, 10, MOMENTUM },
    { "mlp", NULL, mlp, { 256, 784 }, 10, ADAM },
    { "gpt2", "gpt:dropout=0", NULL, { 4, 64 }, 50257, ADAMW },
    { "gpt2-512", "gpt:dropout=0", NULL, { 2, 512 }, 50257, ADAMW },
    { "gpt2-1024", "gpt:dropout=0", NULL, { 2, 1024 }, 50257, ADAMW },
    { "gpt-small",
      "gpt:layers=6,heads=6,width=384,vocab=256,context=128,dropout=0",
      NULL,
      { 16, 128 },
      256,
      ADAMW },
    { "lstm", "lstm:vocab=96,width=256,hidden=256,layers=2", NULL, { 32, 64 }, 96, ADAM },
};

static clockid_t watch = CLOCK_MONOTONIC;
static bool profiled;
static bool gives_loss; /* the network, given its targets, too */

static double now_ms(void)
{
    return 1e-6 * clock_ns(watch);
}

static hone_optim *optimizer_of(const struct net *net, hone_module *model)
{
    switch (net->optim) {
    case ADAM:
        return hone_adam(model, &(hone_adam_options){ .lr = 1e-4 });
    case ADAMW:
        return hone_adamw(model, &(hone_adam_options){ .lr = 1e-4, .weight_decay = 0.01 });
    default:
        return hone_sgd(
            model, &(hone_sgd_options){ .lr = 0.001, .momentum = net->optim == SGD ? 0 : 0.9 });
    }
}

typedef struct {
    int threads; /* 0: the library's own */
    hone_dtype dtype;
    bool in_backward, eval;
    const char *recompute; /* NULL: nothing */
    int chunk;
} settings;

/* A gpt gives its loss itself, without scores that lie beside their gradient. */
static hone_tensor *loss_of(hone_module *model, hone_tensor *x, hone_tensor *y)
{
    if (gives_loss)
        return hone_forward(model, x, hone_reshape(y, hone_size(x, 0), hone_size(x, 1)));
    hone_tensor *scores = hone_forward(model, x);
    if (hone_dim(scores) == 3)
        scores = hone_reshape(scores, -1, hone_size(scores, 2));
    return hone_cross_entropy(scores, y);
}

static hone_tensor *trained(hone_module *model, hone_optim *optim, hone_tensor *x, hone_tensor *y,
                            hone_dtype dtype)
{
    /* as its peers: gradients don't lie beside all activations */
    hone_optim_zero_grad_with(optim, &(hone_zero_grad_options){ .set_to_none = true });
    hone_tensor *loss;
    {
        HONE_AUTOCAST(dtype);
        loss = loss_of(model, x, y);
    }
    hone_backward(loss);
    hone_optim_step(optim);
    return loss;
}

static double step(hone_module *model, hone_optim *optim, hone_tensor *x, hone_tensor *y,
                   const settings *how)
{
    HONE_SCOPE();
    const double begin = now_ms();
    if (how->eval) {
        HONE_NO_GRAD();
        hone_item(loss_of(model, x, y));
    } else {
        hone_item(trained(model, optim, x, y, how->dtype));
    }
    hone_profile_step();
    return now_ms() - begin;
}

static int run(const struct net *net, const settings *how)
{
    HONE_SCOPE();
    char name[128];
    snprintf(name, sizeof name, "%s%s%.0d", net->model ? net->model : "",
             how->chunk ? ",chunk=" : "", how->chunk);
    gives_loss = strncmp(name, "gpt", 3) == 0;
    hone_module *model =
        net->text ? hone_model_parse(net->text, net->name, NULL) : hone_model(name);
    if (how->recompute && model)
        hone_module_recompute_(model, how->recompute, true);
    hone_optim *optim = model && !how->eval ? optimizer_of(net, model) : NULL;
    if (how->in_backward && optim)
        hone_optim_in_backward(optim, true);
    if (how->eval && model) {
        hone_module_train(model, false);
        hone_module_to(model, how->dtype);
    }
    const int64_t *n = net->in;
    hone_tensor *x, *y;
    if (n[2]) {
        x = hone_randn(HONE_F32, n[0], n[1], n[2], n[3]);
        y = hone_randint(HONE_I64, 0, net->values, n[0]);
    } else if (net->optim == ADAM && net->text) {
        x = hone_randn(HONE_F32, n[0], n[1]);
        y = hone_randint(HONE_I64, 0, net->values, n[0]);
    } else {
        x = hone_randint(HONE_I64, 0, net->values, n[0], n[1]);
        y = hone_randint(HONE_I64, 0, net->values, n[0] * n[1]);
    }
    if (how->eval && x && hone_dtype_is_float(hone_dtype_of(x)))
        x = hone_to(x, how->dtype);
    int steps;
    if (profiled)
        hone_profile_begin(&(hone_profile_options){ .warmup = 2, .no_roofs = true });
    while (hone_error_code() == HONE_OK && scanf("%d", &steps) == 1) {
        for (int i = 0; i < steps; i++)
            printf("%.4f ", step(model, optim, x, y, how));
        puts("");
        fflush(stdout);
    }
    if (profiled && hone_profile_end() == HONE_OK)
        hone_profile_print(stdout);
    hone_optim_free(optim);
    hone_module_free(model);
    if (hone_error_code() == HONE_OK)
        return 0;
    fprintf(stderr, "%s\n", hone_error_message());
    return 1;
}

static bool read_settings(int argc, char **argv, settings *how)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--in-backward") == 0)
            how->in_backward = true;
        else if (strcmp(argv[i], "--eval") == 0)
            how->eval = true;
        else if (strcmp(argv[i], "--cpu") == 0)
            watch = CLOCK_PROCESS_CPUTIME_ID;
        else if (strcmp(argv[i], "--profile") == 0)
            profiled = true;
        else if (i + 1 < argc && strcmp(argv[i], "--dtype") == 0)
            how->dtype = strcmp(argv[++i], "bf16") == 0 ? HONE_BF16 : HONE_F32;
        else if (i + 1 < argc && strcmp(argv[i], "--threads") == 0)
            how->threads = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--chunk") == 0)
            how->chunk = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--recompute") == 0)
            how->recompute = argv[++i];
        else
            return false;
    }
    return argc >= 2;
}

int main(int argc, char **argv)
{
    settings how = { .dtype = HONE_F32 };
    const bool known = read_settings(argc, argv, &how);
    if (how.threads)
        hone_set_threads(how.threads);
    for (size_t i = 0; known && i < sizeof nets / sizeof *nets; i++)
        if (strcmp(nets[i].name, argv[1]) == 0)
            return run(&nets[i], &how);
    fprintf(stderr, "usage: nets NETWORK [--threads N] [--dtype bf16] [--eval] [--cpu | --profile] "
                    "[--in-backward] [--recompute PATTERN] [--chunk N]; "
                    "networks:");
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        fprintf(stderr, " %s", nets[i].name);
    fprintf(stderr, "\n");
    return 2;
}
