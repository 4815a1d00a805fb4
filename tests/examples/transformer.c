/* A transformer of characters: it learns a small text by heart and goes on from its first words.
 * Prints the loss and what it writes, then "ok" if that is the text. */
#include <hone/hone.h>
#include <stdio.h>
#include <string.h>

static const char text[] =
    "the kettle sings and the cat sleeps on the mat. the rain taps at the window, the clock counts "
    "every drop of it, and nobody hurries: the bread rises by itself, the cat wakes when it wants "
    "to, and the kettle has all the time in the world.";

enum { CONTEXT = 32, WIDTH = 32, BATCH = 32, STEPS = 250, WRITTEN = 60 };

/* ---- the network: characters and their places, two layers, scores of the next character */

typedef struct {
    hone_module base;
    hone_module *tokens, *layers, *scores;
    hone_tensor *places; /* [CONTEXT, WIDTH] */
} network;

static const hone_field fields[] = { HONE_CHILD(network, tokens), HONE_PARAM(network, places),
                                     HONE_CHILD(network, layers), HONE_CHILD(network, scores),
                                     HONE_FIELDS_END };

/* x [n, t] -> [n, t, 128] */
static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    network *net = (network *)self;
    (void)n_in;
    hone_tensor *places = hone_slice(net->places, 0, 0, hone_size(in[0], 1), 1);
    hone_tensor *x = hone_add(hone_forward(net->tokens, in[0]), places);
    return hone_forward(net->scores, hone_forward(net->layers, x));
}

static const hone_module_class network_class = {
    .name = "Network", .size = sizeof(network), .fields = fields, .forward = forward
};

static hone_module *network_new(void)
{
    network *net = hone_module_new(&network_class);
    if (!net)
        return NULL;
    net->tokens = hone_nn_layer_format("Embedding", "128, %d", WIDTH);
    net->places = hone_parameter(hone_mul_scalar(hone_randn(HONE_F32, CONTEXT, WIDTH), 0.1));
    /* is_causal: a character sees those before it alone */
    net->layers = hone_nn_layer_format("TransformerEncoder",
                                       "TransformerEncoderLayer(%d, 4, %d, dropout=0.0, "
                                       "batch_first=True, is_causal=True), 2",
                                       WIDTH, 4 * WIDTH);
    net->scores = hone_nn_layer_format("Linear", "%d, 128, init='torch'", WIDTH);
    if (net->tokens && net->places && net->layers && net->scores)
        return &net->base;
    hone_module_free(&net->base);
    return NULL;
}

/* ---- training and writing */

static hone_tensor *characters(const char *from, int n)
{
    hone_tensor *bytes = hone_from_data(HONE_U8, from, n);
    return hone_to(bytes, HONE_I64);
}

/* Windows of the text, each from a place of its own: [BATCH, CONTEXT] from `starts` + offset. */
static hone_tensor *windows(hone_tensor *all, hone_tensor *starts, int offset)
{
    hone_tensor *places =
        hone_add(hone_unsqueeze(starts, 1), hone_arange(HONE_I64, offset, offset + CONTEXT, 1));
    return hone_reshape(hone_gather(all, 0, hone_flatten(places, 0)), BATCH, CONTEXT);
}

static double train(hone_module *net)
{
    hone_optim *optim = hone_adamw(net, &(hone_adam_options){ .lr = 0.003 });
    hone_tensor *all = characters(text, sizeof text - 1);
    double last = 0;
    for (int step = 1; step <= STEPS && hone_error_code() == HONE_OK; step++) {
        HONE_SCOPE();
        hone_tensor *starts = hone_randint(HONE_I64, 0, hone_size(all, 0) - CONTEXT, BATCH);
        hone_tensor *scores = hone_forward(net, windows(all, starts, 0));
        hone_tensor *wanted = hone_flatten(windows(all, starts, 1), 0);
        hone_tensor *loss = hone_cross_entropy(hone_reshape(scores, -1, 128), wanted);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        last = hone_item(loss);
        if (step % 50 == 0)
            printf("step %d  loss %.4f\n", step, last);
    }
    hone_optim_free(optim);
    return last;
}

/* The likeliest character after those there are, again and again. */
static void write_on(hone_module *net, char *written, int begun, int n)
{
    HONE_NO_GRAD();
    hone_module_train(net, false);
    for (int at = begun; at < n; at++) {
        HONE_SCOPE();
        const int seen = at < CONTEXT ? at : CONTEXT;
        hone_tensor *x = hone_unsqueeze(characters(written + at - seen, seen), 0);
        hone_tensor *last = hone_select(hone_forward(net, x), 1, -1);
        written[at] = (char)hone_item_i64(hone_argmax(last, 1, false));
    }
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *net = network_new();
    const double loss = net ? train(net) : 0;
    enum { BEGUN = 14 };
    char written[WRITTEN + 1] = { 0 };
    memcpy(written, text, BEGUN);
    if (net && hone_error_code() == HONE_OK)
        write_on(net, written, BEGUN, WRITTEN);
    printf("%.*s|%s\n", BEGUN, written, written + BEGUN);
    hone_module_free(net);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good =
        hone_error_code() == HONE_OK && loss < 0.3 && strncmp(written, text, WRITTEN) == 0;
    puts(good ? "ok" : "failed");
    return !good;
}
