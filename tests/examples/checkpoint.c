/* A checkpoint from PyTorch (make_checkpoint.py wrote it) in hone: the same modules under the same
 * names take it up, give PyTorch's outputs, and write a file that PyTorch takes up again.
 *   checkpoint DIR    where checkpoint.safetensors and checkpoint_outputs.safetensors are
 * Prints "ok" if the outputs are PyTorch's, and what is written is what was read. */
#include <hone/hone.h>
#include <stdio.h>

/* nn.ModuleDict({"body": .., "head": ..}) and what forward() does with them */
typedef struct {
    hone_module base;
    hone_module *body, *head;
} network;

static const hone_field fields[] = { HONE_CHILD(network, body), HONE_CHILD(network, head),
                                     HONE_FIELDS_END };

static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    network *net = (network *)self;
    (void)n_in;
    hone_tensor *steps = hone_forward(net->body, in[0]); /* an LSTM's output alone */
    return hone_forward(net->head, hone_select(steps, 1, -1));
}

static const hone_module_class network_class = {
    .name = "Network", .size = sizeof(network), .fields = fields, .forward = forward
};

static hone_module *network_new(void)
{
    network *net = hone_module_new(&network_class);
    if (!net)
        return NULL;
    net->body = hone_nn_layer(
        "Sequential", "Conv2d(1, 4, 3, stride=2, padding=1), BatchNorm2d(4), ReLU(), Flatten(2), "
                      "LSTM(16, 6, num_layers=2, batch_first=True, bidirectional=True)");
    net->head = hone_nn_linear(12, 3);
    if (net->body && net->head)
        return &net->base;
    hone_module_free(&net->base);
    return NULL;
}

/* The same names with the same numbers. */
static bool files_agree(const char *a, const char *b)
{
    const hone_named_list of_a = hone_safetensors_load(a, NULL),
                          of_b = hone_safetensors_load(b, NULL);
    bool same = of_a.at && of_b.at && of_a.n == of_b.n;
    for (int i = 0; same && i < of_a.n; i++)
        same = hone_equal(of_a.at[i].tensor, hone_named_find(of_b, of_a.at[i].name));
    return same;
}

int main(int argc, char **argv)
{
    HONE_SCOPE();
    char state[4000], outputs[4000];
    const char *dir = argc > 1 ? argv[1] : ".", *again = "checkpoint_again.safetensors";
    snprintf(state, sizeof state, "%s/checkpoint.safetensors", dir);
    snprintf(outputs, sizeof outputs, "%s/checkpoint_outputs.safetensors", dir);

    hone_module *net = network_new();
    hone_load_state(net, state);
    hone_module_train(net, false);
    const hone_named_list names = hone_named_state(net);
    for (int i = 0; i < names.n; i++)
        printf("%s\n", names.at[i].name); /* body.0.weight .. body.4.weight_ih_l0 .. head.bias */

    HONE_NO_GRAD();
    const hone_named_list wanted = hone_safetensors_load(outputs, NULL);
    hone_tensor *y = wanted.at ? hone_forward(net, hone_named_find(wanted, "x")) : NULL;
    const bool equal = y && hone_allclose(y, hone_named_find(wanted, "y"), 1e-5, 1e-6);
    hone_print(y);
    const bool comes_back = hone_save_state(net, again) == HONE_OK && files_agree(state, again);
    remove(again);
    hone_module_free(net);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && equal && comes_back;
    puts(good ? "ok" : "failed");
    return !good;
}
