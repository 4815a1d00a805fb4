/* ModuleDict, forward hooks, and what an error inside a Sequential says. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <stdio.h>
#include <string.h>

SUITE(containers);

/* ---- errors name the layer */

Test(containers, an_error_names_the_layer)
{
    hone_module *net = hone_nn_layer("Sequential", "Linear(4, 3), ReLU(), Linear(5, 2)");
    CHECK_FAILS(hone_forward(net, hone_ones(HONE_F32, 2, 4)), HONE_E_SHAPE, "2: Linear: linear");
    CHECK_FAILS(hone_forward(net, hone_ones(HONE_F32, 2, 9)), HONE_E_SHAPE, "0: Linear: linear");
    CHECK_FAILS(hone_forward(net, hone_ones(HONE_F32, 2, 4), hone_ones(HONE_F32, 2, 4)),
                HONE_E_VALUE, "0: Linear: 2 inputs were given");
    hone_module_free(net);
}

Test(containers, an_error_names_the_way_to_the_layer)
{
    hone_module *net = hone_nn_layer(
        "Sequential", "ReLU(), Sequential(Tanh(), Sequential(LayerNorm(3)), ReLU()), ReLU()");
    CHECK_FAILS(hone_forward(net, hone_ones(HONE_F32, 2, 4)), HONE_E_SHAPE,
                "1.1.0: LayerNorm: wants the last dims [3]");
    hone_module_free(net);
    net = hone_nn_layer("Sequential", "Identity(), TransformerEncoder(TransformerEncoderLayer(4, "
                                      "2, 3), 2)");
    CHECK_FAILS(hone_forward(net, hone_ones(HONE_F32, 2, 3, 5)), HONE_E_SHAPE,
                "1: TransformerEncoder: layers.0: MultiheadAttention: query f32 [2, 3, 5]");
    hone_module_free(net);
}

Test(containers, an_older_error_stays_as_it_is)
{
    hone_module *net = hone_nn_layer("Sequential", "Linear(4, 3)");
    hone_error_set(HONE_E_VALUE, "something before");
    cr_assert(!hone_forward(net, hone_ones(HONE_F32, 2, 9)));
    cr_assert_str_eq(hone_error_message(), "something before");
    hone_error_clear();
    hone_module_free(net);
}

/* ---- hooks */

static hone_tensor *count(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                          void *user)
{
    (void)module;
    cr_assert(n_in == 1 && in[0]);
    ++*(int *)user;
    return out;
}

static hone_tensor *twice(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                          void *user)
{
    (void)module;
    (void)in;
    (void)n_in;
    (void)user;
    return hone_mul_scalar(out, 2);
}

static hone_tensor *fail(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user)
{
    (void)module;
    (void)in;
    (void)n_in;
    (void)out;
    if (user)
        hone_error_set(HONE_E_VALUE, "%s", (const char *)user);
    return NULL;
}

Test(containers, hooks_see_and_change_what_a_module_gives)
{
    int calls = 0;
    hone_module *relu = hone_nn_relu();
    hone_tensor *x = T(HONE_F32, (2), -1, 3);
    CHECK_OK(hone_module_forward_hook(relu, count, &calls));
    CHECK_VALUES(hone_forward(relu, x), HONE_F32, (2), 0, 3);
    cr_assert(calls == 1);
    CHECK_OK(hone_module_forward_hook(relu, twice, NULL));
    CHECK_OK(hone_module_forward_hook(relu, twice, NULL));
    CHECK_VALUES(hone_forward(relu, x), HONE_F32, (2), 0, 12);
    cr_assert(calls == 2);
    CHECK_OK(hone_module_forward_hook(relu, NULL, NULL));
    CHECK_VALUES(hone_forward(relu, x), HONE_F32, (2), 0, 3);
    cr_assert(calls == 2);
    CHECK_OK(hone_module_forward_hook(relu, fail, "the hook's own words"));
    CHECK_FAILS(hone_forward(relu, x), HONE_E_VALUE, "the hook's own words");
    CHECK_OK(hone_module_forward_hook(relu, NULL, NULL));
    CHECK_OK(hone_module_forward_hook(relu, fail, NULL));
    CHECK_FAILS(hone_forward(relu, x), HONE_E_NULL, "ReLU: a forward hook returned NULL");
    CHECK_FAILS(hone_module_forward_hook(NULL, count, &calls), HONE_E_NULL, "module_forward_hook");
    hone_module_free(relu);
}

/* Layers that run as one op, and Sequentials that are entered, run one by one where somebody looks. */
Test(containers, hooks_inside_a_sequential)
{
    int linear = 0, relu = 0, inner = 0, all = 0;
    hone_module *net =
        hone_nn_layer("Sequential", "Linear(4, 3), ReLU(), Sequential(Linear(3, 2), GELU())");
    hone_tensor *x = hone_randn(HONE_F32, 5, 4), *before = hone_forward(net, x);
    const hone_module_list children = hone_children(net);
    CHECK_OK(hone_module_forward_hook(children.at[0].module, count, &linear));
    CHECK_OK(hone_module_forward_hook(children.at[1].module, count, &relu));
    CHECK_OK(hone_module_forward_hook(children.at[2].module, count, &inner));
    CHECK_OK(hone_module_forward_hook(net, count, &all));
    cr_assert(hone_equal(hone_forward(net, x), before));
    cr_assert(linear == 1 && relu == 1 && inner == 1 && all == 1);
    hone_module_free(net);
}

Test(containers, hooks_inside_a_transformer)
{
    int calls[4] = { 0 };
    hone_module *net = hone_nn_layer("TransformerEncoder",
                                     "TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True), 2");
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 4), *before = hone_forward(net, x);
    const hone_module_list all = hone_modules(net);
    for (int i = 0; i < all.n; i++)
        for (int k = 0; k < 3; k++) {
            static const char *const names[] = { "layers.0", "layers.1.linear1", "layers.0.norm2" };
            if (strcmp(all.at[i].name, names[k]) == 0)
                CHECK_OK(hone_module_forward_hook(all.at[i].module, k ? count : twice, &calls[k]));
        }
    hone_tensor *after = hone_forward(net, x);
    cr_assert(calls[1] == 1 && calls[2] == 1 && after && !hone_equal(before, after));
    hone_module_free(net);
}

/* ---- ModuleDict */

Test(containers, a_dict_keeps_modules_by_name)
{
    char name[] = "conv";
    hone_module *dict =
        hone_nn_module_dict({ name, hone_nn_conv2d(1, 2, 3) }, { "act", hone_nn_relu() },
                            { "fc", hone_nn_linear(3, 2) });
    name[0] = '?'; /* the dict has its own */
    const hone_named_list state = hone_named_state(dict);
    cr_assert(state.n == 4);
    cr_assert_str_eq(state.at[0].name, "conv.weight");
    cr_assert_str_eq(state.at[3].name, "fc.bias");
    const hone_module_list children = hone_children(dict);
    cr_assert(children.n == 3);
    cr_assert_str_eq(children.at[1].name, "act");
    cr_assert(hone_nn_module_dict_get(dict, "act") == children.at[1].module);
    char text[400];
    hone_sprint_module(text, sizeof text, dict);
    cr_assert_str_eq(text, "ModuleDict(\n"
                           "  (conv): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))\n"
                           "  (act): ReLU()\n"
                           "  (fc): Linear(in_features=3, out_features=2, bias=True)\n"
                           ")");
    hone_module_train(dict, false);
    cr_assert(!children.at[0].module->training);
    CHECK_FAILS(hone_nn_module_dict_get(dict, "pool"), HONE_E_INDEX, "ModuleDict has no \"pool\"");
    CHECK_FAILS(hone_nn_module_dict_get(children.at[1].module, "pool"), HONE_E_VALUE,
                "ReLU has no \"pool\"");
    CHECK_FAILS(hone_nn_module_dict_get(NULL, "pool"), HONE_E_NULL, "module_dict_get");
    CHECK_FAILS(hone_forward(dict, hone_ones(HONE_F32, 1)), HONE_E_STATE,
                "ModuleDict has no forward");
    hone_module_free(dict);
    dict = hone_nn_module_dict_n(NULL, 0);
    cr_assert(dict && hone_children(dict).n == 0);
    hone_module_free(dict);
}

Test(containers, a_dict_refuses)
{
    CHECK_FAILS(hone_nn_module_dict({ "a", hone_nn_relu() }, { "a", hone_nn_relu() }), HONE_E_VALUE,
                "ModuleDict: the name \"a\" is given twice");
    CHECK_FAILS(hone_nn_module_dict({ "a.b", hone_nn_relu() }), HONE_E_VALUE, "has a dot in it");
    CHECK_FAILS(hone_nn_module_dict({ "", hone_nn_relu() }), HONE_E_VALUE, "is empty");
    CHECK_FAILS(hone_nn_module_dict({ NULL, hone_nn_relu() }), HONE_E_NULL, "a name");
    CHECK_FAILS(hone_nn_module_dict({ "a", hone_nn_relu() }, { "b", NULL }), HONE_E_NULL,
                "ModuleDict");
    CHECK_FAILS(hone_nn_module_dict_n(NULL, 2), HONE_E_NULL, "ModuleDict");
    CHECK_FAILS(hone_nn_module_dict_n(NULL, -1), HONE_E_VALUE, "ModuleDict: -1 modules");
    hone_module *one = hone_nn_relu();
    CHECK_FAILS(hone_nn_module_dict({ "a", one }, { "b", one }), HONE_E_STATE,
                "is in 2 places but has 1 owner");
    one = hone_module_retain(hone_nn_relu());
    hone_module *dict = hone_nn_module_dict({ "a", one }, { "b", one });
    cr_assert(dict);
    hone_module_free(dict);
}

static int hook_calls;

static bool run_all(void)
{
    HONE_SCOPE();
    hone_module *dict = hone_nn_module_dict({ "a", hone_nn_linear(4, 3) }, { "b", hone_nn_relu() });
    hone_module *net = dict ? hone_nn_layer("Sequential", "Linear(4, 3), ReLU()") : NULL;
    bool ok = net && hone_module_forward_hook(net, count, &hook_calls) == HONE_OK &&
              hone_forward(net, hone_ones(HONE_F32, 2, 4)) && hone_named_state(dict).at;
    hone_module_free(dict);
    hone_module_free(net);
    return ok;
}

Test(containers, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(run_all);
}
