/* Weights that are shared. Words are told the word that follows them, in a circle: the table that
 * words are read from is also the one that they are said by, and one layer is used three times
 * between. Shared weights are there once in lists of parameters, and their gradient is the sum over
 * all uses.
 * Prints "ok" if it learns the circle and the gradients are those sums. */
#include <hone/hone.h>
#include <stdio.h>

enum { WORDS = 20, WIDTH = 16, STEPS = 150 };

typedef struct {
    hone_module base;
    hone_module *words;  /* Embedding [WORDS, WIDTH] */
    hone_module *middle; /* one layer in three places */
} network;

static const hone_field fields[] = { HONE_CHILD(network, words), HONE_CHILD(network, middle),
                                     HONE_FIELDS_END };

static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    network *net = (network *)self;
    (void)n_in;
    hone_tensor *table = hone_module_tensor(net->words, "weight");
    hone_tensor *x = hone_forward(net->middle, hone_forward(net->words, in[0]));
    return hone_matmul(x, hone_transpose(table, 0, 1)); /* [n, WORDS]: how near each word is */
}

static const hone_module_class network_class = {
    .name = "Network", .size = sizeof(network), .fields = fields, .forward = forward
};

static hone_module *network_new(void)
{
    network *net = hone_module_new(&network_class);
    if (!net)
        return NULL;
    hone_module *block = hone_nn_layer_format("Sequential", "Linear(%d, %d), Tanh()", WIDTH, WIDTH);
    /* three places: two owners more than the one it has */
    hone_module_retain(block);
    hone_module_retain(block);
    net->middle = hone_nn_sequential(block, block, block);
    net->words = hone_nn_layer_format("Embedding", "%d, %d", WORDS, WIDTH);
    if (net->words && net->middle)
        return &net->base;
    hone_module_free(&net->base);
    return NULL;
}

/* loss = sum (w a + w b): the gradient of w is a + b */
static bool gradients_add_up(void)
{
    HONE_SCOPE();
    hone_tensor *a = hone_randn(HONE_F32, 5), *b = hone_randn(HONE_F32, 5);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, 5), true);
    hone_backward(hone_sum(hone_add(hone_mul(w, a), hone_mul(w, b))));
    return hone_allclose(hone_grad(w), hone_add(a, b), 1e-6, 1e-6);
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *net = network_new();
    hone_print_module(net);
    const hone_named_list once = hone_named_parameters(net), names = hone_named_state(net);
    printf("%d parameters under %d names\n", once.n, names.n); /* 3 under 7 */
    hone_optim *optim = hone_adam(net, &(hone_adam_options){ .lr = 0.01 });

    hone_tensor *x = hone_arange(HONE_I64, 0, WORDS, 1);
    hone_tensor *next = hone_remainder_scalar(hone_add_scalar(x, 1), WORDS);
    for (int step = 1; step <= STEPS && hone_error_code() == HONE_OK; step++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(net, x), next);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        if (step % 50 == 0)
            printf("step %d  loss %.4f\n", step, hone_item(loss));
    }

    const bool sums = gradients_add_up();
    HONE_NO_GRAD();
    hone_tensor *said = hone_argmax(hone_forward(net, x), 1, false);
    const int right = (int)hone_item(hone_sum(hone_eq(said, next)));
    printf("%d of %d words are followed by the right one\n", right, WORDS);
    const bool shared = once.n == 3 && names.n == 7 && sums;
    hone_optim_free(optim);
    hone_module_free(net);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && right == WORDS && shared;
    puts(good ? "ok" : "failed");
    return !good;
}
