/* Layers by name: what is read and refused. What the layers are is in tests/golden. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(layer_names);

static void check_printed(const char *name, const char *arguments, const char *wanted)
{
    char text[1000];
    hone_module *l = hone_nn_layer(name, arguments);
    cr_assert(l, "%s(%s): %s", name, arguments ? arguments : "", hone_error_message());
    cr_assert(hone_sprint_module(text, sizeof text, l) < (int64_t)sizeof text);
    cr_assert_str_eq(text, wanted);
    hone_module_free(l);
}

Test(layer_names, arguments_as_python_writes_them)
{
    const char *plain = "Linear(in_features=3, out_features=2, bias=False)";
    check_printed("Linear", "3, 2, False", plain);
    check_printed("nn.Linear", " 3 ,\n\t2,bias = false , ", plain);
    check_printed("torch.nn.Linear", "out_features=2, in_features=3, bias=False", plain);
    check_printed("LeakyReLU", "1e-2", "LeakyReLU(negative_slope=0.01)");
    check_printed("LeakyReLU", ".3", "LeakyReLU(negative_slope=0.3)");
    check_printed("LeakyReLU", "1e-5", "LeakyReLU(negative_slope=1e-05)");
    check_printed("LeakyReLU", "-123456.75", "LeakyReLU(negative_slope=-123456.75)");
    check_printed("LeakyReLU", "1e22", "LeakyReLU(negative_slope=1e+22)");
    check_printed("LeakyReLU", "0.1000000000000000056", "LeakyReLU(negative_slope=0.1)");
    check_printed("GELU", "\"tanh\"", "GELU(approximate='tanh')");
    check_printed("Softmax", NULL, "Softmax(dim=None)");
    check_printed("Unflatten", "1, [2, 3,]", "Unflatten(dim=1, unflattened_size=(2, 3))");
    check_printed("Sequential", "", "Sequential()");
    check_printed("Sequential", "nn.Sequential(ReLU(), Unflatten(1, (2, 2))), Tanh()",
                  "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n    (1): Unflatten(dim=1, "
                  "unflattened_size=(2, 2))\n  )\n  (1): Tanh()\n)");
}

Test(layer_names, numbers_put_in)
{
    hone_module *l = hone_nn_layer_format("Linear", "%d, out_features=%lld", 7, 9LL);
    const hone_tensor_list p = hone_parameters(l);
    cr_assert(hone_size(p.at[0], 0) == 7 && hone_size(p.at[0], 1) == 9);
    hone_module_free(l);
    CHECK_FAILS(hone_nn_layer_format("Linear", "%d", 7), HONE_E_VALUE, "out_features is missing");
    CHECK_FAILS(hone_nn_layer_format(NULL, "%d", 7), HONE_E_NULL, "nn_layer");
}

Test(layer_names, what_is_refused)
{
    CHECK_FAILS(hone_nn_layer(NULL, ""), HONE_E_NULL,
                "nn_layer: NULL was given where the name of a layer is needed");
    CHECK_FAILS(hone_nn_layer("linear", "3, 2"), HONE_E_VALUE,
                "there is no layer linear (did you mean Linear?)");
    CHECK_FAILS(hone_nn_layer("LeakyRelu", "3"), HONE_E_VALUE, "did you mean LeakyReLU?");
    CHECK_FAILS(hone_nn_layer("Blancmange", NULL), HONE_E_VALUE,
                "nn_layer: there is no layer Blancmange");
    CHECK_FAILS(hone_nn_layer("Linear", "3"), HONE_E_VALUE,
                "Linear: argument out_features is missing");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, bais=False"), HONE_E_VALUE,
                "Linear: it has no argument bais (did you mean bias?); it has in_features: int");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, in_features=3"), HONE_E_VALUE,
                "Linear: argument in_features is given twice");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, True, 7"), HONE_E_VALUE,
                "Linear: 3 arguments at most can be given without a name, and 7 is one more");
    CHECK_FAILS(hone_nn_layer("Sigmoid", "7"), HONE_E_VALUE,
                "Sigmoid: it takes no argument without a name, but got 7");
    CHECK_FAILS(hone_nn_layer("Sigmoid", "inplace=True"), HONE_E_VALUE,
                "Sigmoid: it has no argument inplace; it has none");
    CHECK_FAILS(hone_nn_layer("Linear", "in_features=3, 2"), HONE_E_VALUE,
                "Linear: 2 comes without a name after arguments with one");
    CHECK_FAILS(hone_nn_layer("Linear", "3, , 2"), HONE_E_VALUE, "argument out_features is empty");
    CHECK_FAILS(hone_nn_layer("Linear", "3, bias=, 2"), HONE_E_VALUE, "argument bias is empty");
}

Test(layer_names, values_of_another_kind)
{
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2.5"), HONE_E_VALUE,
                "Linear: out_features is 2.5, but a whole number is wanted");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 99999999999999999999"), HONE_E_VALUE,
                "a whole number is wanted");
    CHECK_FAILS(hone_nn_layer("Linear", "3, None"), HONE_E_VALUE, "out_features is None");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, bias=1"), HONE_E_VALUE,
                "Linear: bias is 1, but True or False is wanted");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, dtype=i64"), HONE_E_VALUE,
                "Linear: dtype is i64, but f32 or f64 is wanted");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, init=torch"), HONE_E_VALUE,
                "Linear: init is torch, but 'hone' or 'torch' is wanted");
    CHECK_FAILS(hone_nn_layer("Linear", "3, 2, init='torch', init_factor=1"), HONE_E_VALUE,
                "nn_linear: init_factor 1 with torch_init");
    CHECK_FAILS(hone_nn_layer("ELU", "'1'"), HONE_E_VALUE,
                "ELU: alpha is '1', but a number is wanted");
    CHECK_FAILS(hone_nn_layer("ELU", "nan"), HONE_E_VALUE, "ELU: alpha is nan");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3, 4, (3, 3, 3)"), HONE_E_VALUE,
                "Conv2d: kernel_size is (3, 3, 3), but a whole number or 2 in brackets is wanted");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3, 4, ()"), HONE_E_VALUE, "Conv2d: kernel_size is ()");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3, 4, (3, x)"), HONE_E_VALUE, "kernel_size is (3, x)");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3, 4, 3, padding='full'"), HONE_E_VALUE,
                "but a whole number or 2 in brackets or 'valid' or 'same' is wanted");
    CHECK_FAILS(hone_nn_layer("LayerNorm", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), HONE_E_VALUE,
                "LayerNorm: normalized_shape is (1, 1, 1, 1, 1, 1, 1, 1, 1)");
    CHECK_FAILS(hone_nn_layer("CrossEntropyLoss", "weight=2"), HONE_E_VALUE,
                "CrossEntropyLoss: weight is 2, but a tuple of numbers or None is wanted");
    CHECK_FAILS(hone_nn_layer("CrossEntropyLoss", "weight=[1, x]"), HONE_E_VALUE,
                "weight is [1, x]");
}

Test(layer_names, values_out_of_range)
{
    CHECK_FAILS(hone_nn_layer("Linear", "0, 2"), HONE_E_VALUE,
                "Linear: in_features is 0, but 1 or more is wanted");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3, 4, 3, stride=(1, 0)"), HONE_E_VALUE,
                "Conv2d: stride is (1, 0), but 1 or more is wanted");
    CHECK_FAILS(hone_nn_layer("BatchNorm1d", "3, momentum=1.5"), HONE_E_VALUE,
                "BatchNorm1d: momentum is 1.5, but 0 to 1 is wanted");
    CHECK_FAILS(hone_nn_layer("Softmax", "4294967296"), HONE_E_VALUE,
                "Softmax: dim is 4294967296, but -8 to 7 is wanted");
}

Test(layer_names, layers_in_layers)
{
    CHECK_FAILS(hone_nn_layer("Sequential", "Linear(3, 2), Linear(2)"), HONE_E_VALUE,
                "Linear: argument out_features is missing");
    CHECK_FAILS(hone_nn_layer("Sequential", "Linear(3, 2), 7"), HONE_E_VALUE,
                "Sequential: modules is 7, but a layer, such as ReLU(), is wanted");
    CHECK_FAILS(hone_nn_layer("Sequential", "Linear(3, 2), ReLu()"), HONE_E_VALUE,
                "there is no layer ReLu (did you mean ReLU?)");
    CHECK_FAILS(hone_nn_layer("Sequential", "Linear(3, 2"), HONE_E_VALUE,
                "Sequential: brackets or quotes don't match, or are too deep: Linear(3, 2");
    CHECK_FAILS(hone_nn_layer("Sequential", "Linear(3, 2])"), HONE_E_VALUE, "don't match");
    CHECK_FAILS(hone_nn_layer("Sequential", "GELU('tanh)"), HONE_E_VALUE, "don't match");
    CHECK_FAILS(hone_nn_layer("Sequential", "ReLU())"), HONE_E_VALUE, "don't match");
    char deep[1000] = "";
    for (int i = 0; i < 40; i++)
        strcat(deep, "Sequential(");
    for (int i = 0; i < 40; i++)
        strcat(deep, ")");
    CHECK_FAILS(hone_nn_layer("Sequential", deep), HONE_E_VALUE, "too deep");
}

Test(layer_names, the_list_and_its_signatures)
{
    char text[600];
    const char *wanted = "Linear(in_features: int, out_features: int, bias: bool = True, *, init: "
                         "'hone' or 'torch' = 'hone', init_factor: float = 2, dtype: dtype = f32)";
    const int64_t length = hone_nn_layer_signature("Linear", text, sizeof text);
    cr_assert_str_eq(text, wanted);
    cr_assert(length == (int64_t)strlen(wanted));
    cr_assert(hone_nn_layer_signature("Linear", NULL, 0) == length);
    for (size_t size = 1; size < 40; size++) { /* cut as snprintf does */
        memset(text, '?', sizeof text);
        cr_assert(hone_nn_layer_signature("Linear", text, size) == length);
        cr_assert(strlen(text) == size - 1 && strncmp(text, wanted, size - 1) == 0 &&
                  text[size] == '?');
    }
    CHECK_FAILS(hone_nn_layer_signature("Linaer", text, sizeof text) == -1 ? NULL : text,
                HONE_E_VALUE, "did you mean Linear?");
    int i = 0;
    for (; hone_nn_layer_name(i); i++)
        cr_assert(hone_nn_layer_signature(hone_nn_layer_name(i), NULL, 0) > 0);
    cr_assert(i == hone_nn_layer_count() && !hone_nn_layer_name(-1));
}

/* Evenly within the bound, as torch.nn.Linear's. */
static void check_even(hone_tensor *t, double bound)
{
    hone_tensor *values = hone_detach(t);
    const double least = hone_item(hone_min(values)), most = hone_item(hone_max(values));
    cr_assert(least >= -bound && least < -0.95 * bound && most <= bound && most > 0.95 * bound,
              "%g to %g, bound %g", least, most, bound);
}

Test(layer_names, linear_begins_as_the_lectures_or_as_pytorchs)
{
    hone_seed(3);
    hone_module *a = hone_nn_linear(300, 200);
    hone_seed(3);
    hone_module *b = hone_nn_layer("Linear", "300, 200");
    cr_assert(hone_equal(hone_parameters(a).at[0], hone_parameters(b).at[0]));
    hone_module *c = hone_nn_layer("Linear", "300, 200, init='torch', dtype=f64");
    for (int i = 0; i < 2; i++) {
        check_even(hone_parameters(c).at[i], 1 / sqrt(300));
        cr_assert(hone_dtype_of(hone_parameters(c).at[i]) == HONE_F64);
    }
    hone_seed(4);
    hone_module *d = hone_nn_linear_with(
        300, 200, &(hone_nn_linear_options){ .torch_init = true, .dtype = HONE_F64 });
    hone_seed(4);
    hone_module *e = hone_nn_layer("Linear", "300, 200, init='torch', dtype='torch.double'");
    cr_assert(hone_equal(hone_parameters(d).at[1], hone_parameters(e).at[1]));
    hone_module *f = hone_nn_layer("Linear", "3, 2, init_factor=0");
    CHECK_VALUES(hone_detach(hone_parameters(f).at[0]), HONE_F32, (3, 2), 0, 0, 0, 0, 0, 0);
    hone_module *all[] = { a, b, c, d, e, f };
    for (int i = 0; i < 6; i++)
        hone_module_free(all[i]);
}

static bool make_some(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_layer("Sequential", "Linear(3, 2, init='torch'), ReLU(), "
                                                 "Sequential(LayerNorm(2), Conv2d(2, 2, 1))");
    hone_module *loss = l ? hone_nn_layer("CrossEntropyLoss", "weight=(1, 2)") : NULL;
    hone_module_free(l);
    hone_module_free(loss);
    return loss != NULL;
}

Test(layer_names, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_some);
}
