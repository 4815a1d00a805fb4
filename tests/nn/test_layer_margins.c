/* MultiMarginLoss and MultiLabelMarginLoss beside what tests/golden has of them. */
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

SUITE(layer_margins);

static hone_module *layer(const char *name, const char *arguments)
{
    hone_module *l = hone_nn_layer(name, arguments);
    cr_assert(l, "%s(%s): %s", name, arguments, hone_error_message());
    return l;
}

static hone_tensor *loss(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in;
    return hone_forward((hone_module *)user, in[0], in[1]);
}

/* Hinges are far from where they begin. */
Test(layer_margins, gradients)
{
    hone_tensor *x =
        T(HONE_F64, (3, 4), 0.3, -1.2, 0.9, 2.4, 1.1, 0.2, -0.4, 0.7, -2.1, 0.6, 1.7, 0);
    hone_requires_grad_(x, true);
    const struct {
        const char *name, *arguments;
        hone_tensor *target;
    } cases[] = {
        { "MultiMarginLoss", "", T(HONE_I64, (3), 0, 3, 1) },
        { "MultiMarginLoss", "2, 0.7, weight=[1, 2, 0.5, 3], dtype=f64",
          T(HONE_I32, (3), 2, 0, 3) },
        { "MultiLabelMarginLoss", "", T(HONE_I64, (3, 4), 2, 0, -1, 3, 1, 1, -1, 0, -1, 1, 2, 3) },
    };
    for (int i = 0; i < 3; i++) {
        hone_module *l = layer(cases[i].name, cases[i].arguments);
        hone_tensor *in[] = { x, cases[i].target };
        CHECK_OK(hone_gradcheck(cases[i].name, loss, l, (hone_tensor_list){ in, 2 }, NULL));
        CHECK_OK(hone_gradgradcheck(cases[i].name, loss, l, (hone_tensor_list){ in, 2 }, NULL));
        hone_module_free(l);
    }
}

/* As PyTorch has it: no gradient where a hinge begins. */
Test(layer_margins, where_a_hinge_begins)
{
    hone_module *l = layer("MultiMarginLoss", "reduction='sum'");
    hone_tensor *x = hone_parameter(T(HONE_F32, (1, 2), 1, 0));
    CHECK_OK(hone_backward(hone_forward(l, x, T(HONE_I64, (1), 0))));
    CHECK_VALUES(hone_grad(x), HONE_F32, (1, 2), 0, 0);
    hone_release(x);
    hone_module_free(l);
}

/* The mean is over the whole batch's samples, SoftMarginLoss's too. */
Test(layer_margins, parts_have_the_bits_of_the_whole_batch)
{
    static const char *const names[] = { "MultiMarginLoss", "MultiLabelMarginLoss",
                                         "SoftMarginLoss" };
    hone_seed(6);
    hone_module *linear = layer("Linear", "6, 5");
    hone_tensor *weight = hone_parameters(linear).at[0], *x = hone_randn(HONE_F32, 7, 6);
    hone_tensor *targets[] = { hone_randint(HONE_I64, 0, 5, 7), hone_randint(HONE_I64, -1, 5, 7, 5),
                               hone_sign(hone_randn(HONE_F32, 7, 5)) };
    for (int i = 0; i < 3; i++) {
        hone_module *l = layer(names[i], "");
        hone_tensor *whole = NULL;
        for (int size = 7; size > 0; size -= 2) {
            HONE_SCOPE();
            CHECK_OK(hone_module_zero_grad(linear));
            CHECK_OK(hone_accumulate_begin(7));
            for (int at = 0; at < 7; at += size) {
                const int end = at + size < 7 ? at + size : 7;
                CHECK_OK(hone_accumulate_part(end - at));
                hone_tensor *y = hone_forward(linear, hone_slice(x, 0, at, end, 1));
                CHECK_OK(hone_backward(hone_forward(l, y, hone_slice(targets[i], 0, at, end, 1))));
            }
            cr_assert(hone_accumulate_end(), "%s", hone_error_message());
            if (!whole)
                whole = hone_retain(hone_clone(hone_grad(weight)));
            cr_assert(test_same_bits(whole, hone_grad(weight)), "%s: parts of %d", names[i], size);
        }
        hone_release(whole);
        hone_module_free(l);
    }
    hone_module_free(linear);
}

Test(layer_margins, what_they_refuse)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_nn_layer("MultiMarginLoss", "3"), HONE_E_VALUE,
                "MultiMarginLoss: p is 3, but 1 to 2 is wanted");
    hone_module *l = layer("MultiMarginLoss", "weight=[1, 2]");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (2), 0, 1)), HONE_E_SHAPE,
                "MultiMarginLoss: weight is f32 [2], one for each class of f32 [2, 3]");
    hone_module_free(l);
    l = layer("MultiMarginLoss", "");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (3), 0, 1, 2)), HONE_E_SHAPE,
                "MultiMarginLoss: wants floats [N, classes] and a target [N], or [classes] and [], "
                "got f32 [2, 3] and i64 [3]");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (2), 0, 3)), HONE_E_INDEX,
                "MultiMarginLoss: target 1 is 3, 0 to 2 is wanted");
    CHECK_FAILS(hone_forward(l, x, T(HONE_F32, (2), 0, 1)), HONE_E_DTYPE,
                "MultiMarginLoss: the target is f32 [2], i64 or i32 is wanted");
    hone_module_free(l);
    l = layer("MultiLabelMarginLoss", "");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (2), 0, 1)), HONE_E_SHAPE,
                "MultiLabelMarginLoss: wants floats [N, classes] or [classes] and a target of that "
                "shape");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (2, 3), 0, -1, 3, 0, 1, -2)), HONE_E_INDEX,
                "MultiLabelMarginLoss: target 2 is 3, -1 to 2 is wanted");
    hone_module_free(l);
}

static bool make_and_run(void)
{
    HONE_SCOPE();
    hone_module *one = hone_nn_layer("MultiMarginLoss", "2, weight=[1, 2, 3]");
    hone_module *several = hone_nn_layer("MultiLabelMarginLoss", "");
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *target = hone_zeros(HONE_I64, 2, 3), *y = NULL;
    if (one && several && x && target)
        y = hone_add(hone_forward(one, x, hone_select(target, 1, 0)),
                     hone_forward(several, x, target));
    hone_module_free(one);
    hone_module_free(several);
    return y != NULL;
}

Test(layer_margins, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_and_run);
}
