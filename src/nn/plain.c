/* plain.c: layers without parameters: one op each. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/ops.h>

bool hone__takes_inputs(const hone_module *self, int n_in, int wanted)
{
    if (n_in == wanted)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %d inputs were given, %d wanted", self->type->name, n_in,
                   wanted);
    return false;
}

static hone_tensor *relu_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_relu(in[0]) : NULL;
}

static hone_tensor *gelu_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_gelu(in[0]) : NULL;
}

static hone_tensor *gelu_tanh_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_gelu_tanh(in[0]) : NULL;
}

static int gelu_print(const hone_module *self, char *text, size_t size)
{
    return hone__format(text, size, "approximate='%s'",
                        self->type == &hone__gelu_tanh_class ? "tanh" : "none");
}

static hone_tensor *sigmoid_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_sigmoid(in[0]) : NULL;
}

static hone_tensor *tanh_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_tanh(in[0]) : NULL;
}

static hone_tensor *flatten_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? hone_flatten(in[0], 1) : NULL;
}

static hone_tensor *cross_entropy_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 2) ? hone_cross_entropy(in[0], in[1]) : NULL;
}

const hone_module_class hone__relu_class = { .name = "ReLU",
                                             .size = sizeof(hone_module),
                                             .forward = relu_forward };
const hone_module_class hone__gelu_class = {
    .name = "GELU", .size = sizeof(hone_module), .forward = gelu_forward, .print = gelu_print
};
const hone_module_class hone__gelu_tanh_class = {
    .name = "GELU", .size = sizeof(hone_module), .forward = gelu_tanh_forward, .print = gelu_print
};
static const hone_module_class sigmoid_class = { .name = "Sigmoid",
                                                 .size = sizeof(hone_module),
                                                 .forward = sigmoid_forward };
static const hone_module_class tanh_class = { .name = "Tanh",
                                              .size = sizeof(hone_module),
                                              .forward = tanh_forward };
static const hone_module_class flatten_class = { .name = "Flatten",
                                                 .size = sizeof(hone_module),
                                                 .forward = flatten_forward };
static const hone_module_class cross_entropy_class = { .name = "CrossEntropyLoss",
                                                       .size = sizeof(hone_module),
                                                       .forward = cross_entropy_forward };

hone_module *hone_nn_relu(void)
{
    return hone_module_new(&hone__relu_class);
}

hone_module *hone_nn_gelu(void)
{
    return hone_module_new(&hone__gelu_class);
}

hone_module *hone_nn_gelu_tanh(void)
{
    return hone_module_new(&hone__gelu_tanh_class);
}

hone_module *hone_nn_sigmoid(void)
{
    return hone_module_new(&sigmoid_class);
}

hone_module *hone_nn_tanh(void)
{
    return hone_module_new(&tanh_class);
}

hone_module *hone_nn_flatten(void)
{
    return hone_module_new(&flatten_class);
}

hone_module *hone_nn_cross_entropy(void)
{
    return hone_module_new(&cross_entropy_class);
}
