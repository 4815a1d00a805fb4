/* A network of images trains as PyTorch's does from the same weights: make_images_golden.py says
 * what the file holds. */
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

SUITE_WITH_FILES(golden_images);

#define GOLDEN HONE_SOURCE_DIR "/tests/golden/pytorch_images.safetensors"

static hone_module *network(hone_dtype dtype)
{
    return hone_nn_sequential(
        hone_nn_conv2d_with(
            2, 4, 3, 3,
            &(hone_nn_conv2d_options){ .conv.padding = { 1, 1 }, .no_bias = true, .dtype = dtype }),
        hone_nn_batch_norm2d(4, &(hone_nn_batch_norm_options){ .dtype = dtype }), hone_nn_relu(),
        hone_nn_max_pool2d(2),
        hone_nn_conv2d_with(4, 6, 3, 3,
                            &(hone_nn_conv2d_options){ .conv = { .stride = { 2, 1 }, .groups = 2 },
                                                       .dtype = dtype }),
        hone_nn_relu(), hone_nn_flatten(),
        hone_nn_linear_with(12, 5, &(hone_nn_linear_options){ .dtype = dtype }),
        hone_nn_batch_norm1d(5,
                             &(hone_nn_batch_norm_options){ .cumulative = true, .dtype = dtype }));
}

/* The state that stands in the golden file under a prefix, as a file of its own. */
static void load_part(hone_module *model, hone_named_list all, const char *prefix, hone_dtype dtype)
{
    hone_named part[32];
    int n = 0;
    for (int i = 0; i < all.n; i++) {
        if (strncmp(all.at[i].name, prefix, strlen(prefix)) != 0)
            continue;
        hone_tensor *t = all.at[i].tensor;
        part[n++] = (hone_named){ all.at[i].name + strlen(prefix),
                                  hone_dtype_is_float(hone_dtype_of(t)) ? hone_to(t, dtype) : t };
    }
    cr_assert(n == 15, "%d tensors", n);
    CHECK_OK(hone_safetensors_save(test_path("part"), hone_list_named_n(part, n), NULL));
    CHECK_OK(hone_load_state_with(model, test_path("part"),
                                  &(hone_state_options){ .layout = HONE_LAYOUT_OUT_IN }));
}

static void train(hone_dtype dtype, double within)
{
    const hone_named_list all = hone_safetensors_load(GOLDEN, NULL);
    hone_module *model = network(dtype), *end = network(dtype);
    load_part(model, all, "begin.", dtype);
    load_part(end, all, "end.", dtype);
    hone_tensor *x = hone_to(hone_named_find(all, "x"), dtype), *y = hone_named_find(all, "y");
    hone_tensor *losses = hone_named_find(all, "losses");
    hone_optim *optim =
        hone_sgd(model, &(hone_sgd_options){ .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-3 });
    for (int step = 0; step < 20; step++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        const double wanted = hone_at(losses, step), got = hone_item(loss);
        cr_assert(fabs(got - wanted) <= within * wanted, "step %d: %.12g, PyTorch %.12g: %s", step,
                  got, wanted, hone_error_message());
    }
    const hone_named_list got = hone_named_state(model), state = hone_named_state(end);
    for (int i = 0; i < state.n; i++)
        cr_assert(hone_allclose(hone_detach(got.at[i].tensor), hone_detach(state.at[i].tensor),
                                100 * within, 100 * within),
                  "%s", state.at[i].name);
    hone_module_train(model, false);
    cr_assert(hone_allclose(hone_to(hone_detach(hone_forward(model, x)), HONE_F64),
                            hone_named_find(all, "evaluated"), 100 * within, 100 * within));
    hone_optim_free(optim);
    hone_module_free(model);
    hone_module_free(end);
}

Test(golden_images, as_pytorch_in_f64)
{
    train(HONE_F64, 1e-10);
}

Test(golden_images, as_pytorch_in_f32)
{
    train(HONE_F32, 1e-5);
}

Test(golden_images, pytorchs_names_and_text)
{
    const hone_named_list all = hone_safetensors_load(GOLDEN, NULL);
    hone_module *model = network(HONE_F32);
    const hone_named_list state = hone_named_state(model);
    cr_assert(state.n == 15);
    for (int i = 0; i < state.n; i++) {
        char name[64];
        snprintf(name, sizeof name, "begin.%s", state.at[i].name);
        hone_tensor *t = hone_named_find(all, name);
        cr_assert(t && hone_dim(t) == hone_dim(state.at[i].tensor), "%s", name);
    }
    char text[1024];
    cr_assert(hone_sprint_module(text, sizeof text, model) > 0);
    cr_assert_str_eq(
        text, "Sequential(\n"
              "  (0): Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)\n"
              "  (1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, "
              "track_running_stats=True)\n"
              "  (2): ReLU()\n"
              "  (3): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
              "  (4): Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 1), groups=2)\n"
              "  (5): ReLU()\n"
              "  (6): Flatten(start_dim=1, end_dim=-1)\n"
              "  (7): Linear(in_features=12, out_features=5, bias=True)\n"
              "  (8): BatchNorm1d(5, eps=1e-05, momentum=None, affine=True, bias=True, "
              "track_running_stats=True)\n"
              ")");
    hone_module_free(model);
}
