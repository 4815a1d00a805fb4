/* Every layer by name: it is printed, begins and trains as PyTorch's does from the same state:
 * make_layers_golden.py says what the files hold. */
#include "files.h"
#include "support.h"

#include <hone/autograd.h>
#include <hone/io.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/optim.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE_WITH_FILES(golden_layers);

#define GOLDEN(name) HONE_SOURCE_DIR "/tests/golden/" name

typedef struct {
    char name[64], arguments[400], printed[4000];
} line;

/* "\n" in the file is a new line. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++)
        if (at[0] == '\\' && at[1] == 'n') {
            *to = '\n';
            at += 2;
        } else {
            *to = *at++;
        }
    *to = 0;
}

static bool read_line(FILE *file, line *l)
{
    char text[sizeof(line)];
    if (!fgets(text, sizeof text, file))
        return false;
    char *arguments = strchr(text, '\t'), *printed = arguments ? strchr(arguments + 1, '\t') : NULL;
    cr_assert(printed, "%s", text);
    *arguments++ = *printed++ = 0;
    printed[strcspn(printed, "\n")] = 0;
    snprintf(l->name, sizeof l->name, "%.60s", text);
    snprintf(l->arguments, sizeof l->arguments, "%.390s", arguments);
    snprintf(l->printed, sizeof l->printed, "%.3900s", printed);
    unescape(l->printed);
    return true;
}

/* In this dtype: by the argument that a layer with parameters has, or by those that it got. */
static hone_module *make(const line *l, hone_dtype dtype)
{
    char arguments[600], signature[800];
    cr_assert(hone_nn_layer_signature(l->name, signature, sizeof signature) > 0, "%s",
              hone_error_message());
    snprintf(arguments, sizeof arguments, "%s%s%s", l->arguments, *l->arguments ? ", " : "",
             "dtype=torch.float64");
    if (!strstr(signature, "dtype:"))
        snprintf(arguments, sizeof arguments, "%s", l->arguments);
    for (char *at = arguments; dtype == HONE_F32 && (at = strstr(at, "float64"));)
        memcpy(at, "float32", 7);
    hone_module *module = hone_nn_layer(l->name, arguments);
    cr_assert(module, "%s(%s): %s", l->name, arguments, hone_error_message());
    return module;
}

typedef struct {
    hone_named at[100];
    int n;
} part;

/* What is called "i.prefix.NAME", as NAME and in this dtype. */
static void take(part *p, hone_named_list all, int i, const char *prefix, hone_dtype dtype)
{
    char begin[40];
    const size_t length = (size_t)snprintf(begin, sizeof begin, "%d.%s.", i, prefix);
    p->n = 0;
    for (int t = 0; t < all.n; t++) {
        if (strncmp(all.at[t].name, begin, length) != 0)
            continue;
        hone_tensor *tensor = all.at[t].tensor;
        if (hone_dtype_is_float(hone_dtype_of(tensor)))
            tensor = hone_to(tensor, dtype);
        cr_assert(p->n < 100);
        p->at[p->n++] = (hone_named){ all.at[t].name + length, tensor };
    }
}

static void load(hone_module *module, const part *state)
{
    cr_assert_eq(hone_named_state(module).n, state->n);
    if (state->n == 0)
        return;
    CHECK_OK(
        hone_safetensors_save(test_path("state"), hone_list_named_n(state->at, state->n), NULL));
    CHECK_OK(hone_load_state_with(module, test_path("state"),
                                  &(hone_state_options){ .layout = HONE_LAYOUT_OUT_IN }));
}

enum { INPUTS = 6 };

/* The inputs in their order, from "in", which are learned, and "constant". */
static int take_inputs(hone_named_list all, int i, hone_dtype dtype, hone_tensor **in,
                       hone_tensor_list *learned)
{
    part p;
    int n = 0;
    for (int constant = 0; constant < 2; constant++) {
        take(&p, all, i, constant ? "constant" : "in", dtype);
        for (int k = 0; k < p.n; k++) {
            const int at = p.at[k].name[0] - '0';
            in[at] = p.at[k].tensor;
            n = at >= n ? at + 1 : n;
            if (constant || !hone_dtype_is_float(hone_dtype_of(in[at])))
                continue;
            in[at] = hone_parameter(hone_clone(in[at]));
            learned->at[learned->n++] = in[at];
        }
    }
    in[n] = HONE_END_TENSOR;
    return n;
}

static void train(const line *l, hone_named_list all, int i, hone_dtype dtype, double within)
{
    HONE_SCOPE();
    char name[40];
    hone_module *module = make(l, dtype);
    part state;
    take(&state, all, i, "state", dtype);
    load(module, &state);
    hone_tensor *in[INPUTS + 1], *learned_at[200];
    const hone_tensor_list parameters = hone_parameters(module);
    hone_tensor_list learned = { learned_at, 0 };
    for (; learned.n < parameters.n; learned.n++)
        learned_at[learned.n] = parameters.at[learned.n];
    const int n_in = take_inputs(all, i, dtype, in, &learned);
    snprintf(name, sizeof name, "%d.losses", i);
    hone_tensor *losses = n_in > 0 ? hone_named_find(all, name) : NULL;
    hone_optim *optim = n_in > 0 ? hone_sgd_list(learned, &(hone_sgd_options){ .lr = 0.05 }) : NULL;
    for (int step = 0; step < 20 && n_in > 0; step++) {
        HONE_SCOPE();
        hone_tensor *y = hone_forward_v(module, in);
        cr_assert(y, "%s(%s): %s", l->name, l->arguments, hone_error_message());
        hone_tensor *loss = hone_dim(y) == 0 ? y : hone_mean(hone_square(y));
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        const double wanted = hone_at(losses, step), got = hone_item(loss);
        cr_assert(fabs(got - wanted) <= within * fabs(wanted),
                  "%s(%s): step %d: %.12g, PyTorch %.12g: %s", l->name, l->arguments, step, got,
                  wanted, hone_error_message());
    }
    for (int k = parameters.n; k < learned.n; k++)
        hone_release(learned_at[k]);
    hone_optim_free(optim);
    hone_module_free(module);
}

static void train_all(hone_dtype dtype, double within)
{
    const hone_named_list all = hone_safetensors_load(GOLDEN("pytorch_layers.safetensors"), NULL);
    FILE *file = fopen(GOLDEN("layers.txt"), "r");
    cr_assert(all.at && file);
    line l;
    int i = 0;
    for (; read_line(file, &l); i++)
        train(&l, all, i, dtype, within);
    fclose(file);
    cr_assert(i >= hone_nn_layer_count());
}

Test(golden_layers, train_as_pytorchs_in_f64)
{
    train_all(HONE_F64, 1e-8);
}

Test(golden_layers, train_as_pytorchs_in_f32)
{
    train_all(HONE_F32, 1e-5);
}

Test(golden_layers, a_state_dict_loads_as_it_is)
{
    hone_module *network = hone_nn_layer(
        "Sequential",
        "Embedding(7, 6), TransformerEncoder(TransformerEncoderLayer(6, 2, 8, batch_first=True, "
        "dropout=0.0), 2, LayerNorm(6)), Unflatten(1, (1, -1)), Conv2d(1, 3, (2, 3), "
        "padding='same'), BatchNorm2d(3), PReLU(3), ConvTranspose2d(3, 2, 2, stride=2), "
        "GroupNorm(2, 2), AdaptiveAvgPool2d(2), Flatten(), Linear(8, 3)");
    cr_assert(network, "%s", hone_error_message());
    const hone_named_list all = hone_safetensors_load(GOLDEN("pytorch_layers.safetensors"), NULL);
    const hone_state_options torch = { .layout = HONE_LAYOUT_OUT_IN };
    CHECK_OK(hone_load_state_with(network, GOLDEN("pytorch_state.safetensors"), &torch));
    hone_module_train(network, false);
    hone_tensor *y = hone_forward(network, hone_named_find(all, "network.x"));
    cr_assert(y && hone_allclose(hone_detach(y), hone_named_find(all, "network.y"), 1e-5, 1e-6),
              "%s", hone_error_message());
    /* and what hone writes has PyTorch's bytes */
    CHECK_OK(hone_save_state_with(network, test_path("state"), &torch));
    const hone_named_list was = hone_safetensors_load(GOLDEN("pytorch_state.safetensors"), NULL),
                          is = hone_safetensors_load(test_path("state"), NULL);
    cr_assert(was.n == is.n);
    for (int i = 0; i < was.n; i++)
        cr_assert(test_same_bits(was.at[i].tensor, hone_named_find(is, was.at[i].name)), "%s",
                  was.at[i].name);
    hone_module_free(network);
}

Test(golden_layers, are_printed_as_pytorchs)
{
    bool seen[400] = { false };
    FILE *file = fopen(GOLDEN("layers.txt"), "r");
    cr_assert(file);
    line l;
    while (read_line(file, &l)) {
        char text[4000];
        hone_module *module = make(&l, HONE_F32);
        cr_assert(hone_sprint_module(text, sizeof text, module) < (int64_t)sizeof text);
        cr_assert_str_eq(text, l.printed, "%s(%s)", l.name, l.arguments);
        for (int i = 0; i < hone_nn_layer_count(); i++)
            seen[i] = seen[i] || strcmp(l.name, hone_nn_layer_name(i)) == 0;
        hone_module_free(module);
    }
    fclose(file);
    for (int i = 0; i < hone_nn_layer_count(); i++)
        cr_assert(seen[i], "layers.txt has no line of %s", hone_nn_layer_name(i));
}
