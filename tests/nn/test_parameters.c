/* ParameterList, ParameterDict and TripletMarginWithDistanceLoss: C alone makes them. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <string.h>

SUITE(parameters);

static hone_tensor *ones(int64_t n)
{
    return hone_parameter(hone_ones(HONE_F32, n));
}

/* ---- ParameterList, ParameterDict */

Test(parameters, a_list_has_numbers)
{
    hone_module *list = hone_nn_parameter_list(ones(2), ones(3));
    hone_named_list named = hone_named_parameters(list);
    cr_assert(named.n == 2 && strcmp(named.at[0].name, "0") == 0);
    cr_assert_str_eq(named.at[1].name, "1");
    cr_assert(hone_numel(hone_module_tensor(list, "1")) == 3);
    CHECK_FAILS(hone_module_tensor(list, "2"), HONE_E_INDEX, "");
    CHECK_FAILS(hone_forward(list, hone_ones(HONE_F32, 1)), HONE_E_STATE,
                "ParameterList has no forward");
    hone_module_free(list);
    list = hone_nn_parameter_list_n(NULL, 0);
    cr_assert(list && hone_named_parameters(list).n == 0);
    hone_module_free(list);
}

Test(parameters, a_dict_has_names)
{
    char left[] = "left";
    hone_module *dict = hone_nn_parameter_dict({ left, ones(2) }, { "right", ones(3) });
    left[0] = 'L'; /* the module has a copy */
    hone_named_list named = hone_named_parameters(dict);
    cr_assert(named.n == 2 && strcmp(named.at[0].name, "left") == 0);
    cr_assert(hone_numel(hone_module_tensor(dict, "right")) == 3);
    hone_module *kept =
        hone_nn_module_dict({ "scales", dict }, { "shifts", hone_nn_parameter_list(ones(1)) });
    cr_assert(hone_named_parameters(kept).n == 3);
    cr_assert_str_eq(hone_named_parameters(kept).at[1].name, "scales.right");
    cr_assert_str_eq(hone_named_parameters(kept).at[2].name, "shifts.0");
    hone_module_free(kept);
}

/* What is handed over is freed: the suite counts tensors at its end. */
Test(parameters, refused)
{
    CHECK_FAILS(hone_nn_parameter_list(ones(1), NULL), HONE_E_NULL, "ParameterList");
    CHECK_FAILS(hone_nn_parameter_list_n(NULL, 2), HONE_E_NULL, "ParameterList");
    CHECK_FAILS(hone_nn_parameter_list_n(NULL, -1), HONE_E_VALUE, "ParameterList: -1 parameters");
    CHECK_FAILS(hone_nn_parameter_dict({ "a", ones(1) }, { "a", ones(2) }), HONE_E_VALUE,
                "ParameterDict: the name \"a\" is given twice");
    CHECK_FAILS(hone_nn_parameter_dict({ "a.b", ones(1) }), HONE_E_VALUE, "has a dot in it");
    CHECK_FAILS(hone_nn_parameter_dict({ "", ones(1) }), HONE_E_VALUE, "is empty");
    CHECK_FAILS(hone_nn_parameter_dict({ NULL, ones(1) }), HONE_E_NULL,
                "ParameterDict: NULL was given where a name");
    CHECK_FAILS(hone_nn_parameter_dict({ "a", NULL }), HONE_E_NULL, "ParameterDict");
}

/* ---- TripletMarginWithDistanceLoss: numbers are PyTorch's, 2.13 */

/* The largest difference, times a number. */
static hone_tensor *largest(void *ctx, hone_tensor *a, hone_tensor *b)
{
    return hone_mul_scalar(hone_max_dims(hone_abs(hone_sub(a, b)), false, -1), *(double *)ctx);
}

static hone_tensor *nothing(void *ctx, hone_tensor *a, hone_tensor *b)
{
    (void)ctx, (void)a, (void)b;
    return NULL;
}

Test(parameters, a_triplet_by_a_function)
{
    double twice = 2;
    hone_tensor *a = T(HONE_F64, (2, 2), 0, 0, 1, 2), *p = T(HONE_F64, (2, 2), 0.5, 0, 1, 1),
                *n = T(HONE_F64, (2, 2), 0, 0.25, 5, 2);
    hone_requires_grad_(a, true);
    hone_module *loss = hone_nn_triplet_margin_with_distance(&(hone_nn_triplet_options){
        .function = largest, .ctx = &twice, .margin = 0.5, .reduction = HONE_REDUCE_NONE });
    hone_tensor *l = hone_forward(loss, a, p, n);
    /* 2 (0.5 - 0.25) + 0.5; 2 (1 - 4) + 0.5 < 0 */
    cr_assert(hone_at(l, 0) == 1 && hone_at(l, 1) == 0);
    CHECK_OK(hone_backward(hone_sum(l)));
    hone_tensor *g = hone_grad(a);
    cr_assert(hone_at(g, 0, 0) == -2 && hone_at(g, 0, 1) == 2 && hone_at(g, 1, 0) == 0);
    CHECK_FAILS(hone_forward(loss, a, p), HONE_E_VALUE,
                "TripletMarginWithDistanceLoss: 2 inputs were given, 3 wanted");
    CHECK_FAILS(hone_forward(loss, a, p, hone_select(n, 0, 0)), HONE_E_SHAPE,
                "wants three tensors of as many dims, got f64 [2, 2]");
    hone_module_free(loss);
    loss = hone_nn_triplet_margin_with_distance(&(hone_nn_triplet_options){ .function = nothing });
    CHECK_FAILS(hone_forward(loss, a, p, n), HONE_E_NULL, "");
    hone_module_free(loss);
}

/* swap: positive and negative are nearer to each other than anchor and negative. */
Test(parameters, a_triplet_with_swap)
{
    double once = 1;
    hone_tensor *a = T(HONE_F64, (1, 1), 0), *p = T(HONE_F64, (1, 1), 1),
                *n = T(HONE_F64, (1, 1), 1.5);
    for (int swap = 0; swap < 2; swap++) {
        hone_module *loss = hone_nn_triplet_margin_with_distance(
            &(hone_nn_triplet_options){ .function = largest, .ctx = &once, .swap = swap });
        cr_assert(hone_item(hone_forward(loss, a, p, n)) == (swap ? 1.5 : 0.5));
        hone_module_free(loss);
    }
}

/* Without a distance it is TripletMarginLoss; a module's parameters are the loss's. */
Test(parameters, a_triplet_by_a_module)
{
    hone_tensor *a = hone_randn(HONE_F64, 4, 3), *p = hone_randn(HONE_F64, 4, 3),
                *n = hone_randn(HONE_F64, 4, 3);
    hone_module *loss = hone_nn_triplet_margin_with_distance(NULL);
    const double wanted =
        hone_item(hone_triplet_margin_loss(a, p, n, 1, 2, 1e-6, false, HONE_REDUCE_MEAN));
    const double got = hone_item(hone_forward(loss, a, p, n));
    cr_assert(got > wanted - 1e-14 && got < wanted + 1e-14, "%.17g %.17g", got, wanted);
    char text[200];
    cr_assert(hone_sprint_module(text, sizeof text, loss) > 0);
    cr_assert_str_eq(text, "TripletMarginWithDistanceLoss(\n"
                           "  (distance_function): PairwiseDistance()\n)");
    hone_module_free(loss);
    loss = hone_nn_triplet_margin_with_distance(&(hone_nn_triplet_options){
        .distance = hone_nn_layer("Bilinear", "3, 3, 1, dtype=f64"), .swap = true });
    cr_assert(hone_named_parameters(loss).n == 2);
    cr_assert_str_eq(hone_named_parameters(loss).at[0].name, "distance_function.weight");
    CHECK_OK(hone_backward(hone_forward(loss, a, p, n)));
    hone_module_free(loss);
}

Test(parameters, a_triplet_refused)
{
    CHECK_FAILS(hone_nn_triplet_margin_with_distance(&(hone_nn_triplet_options){ .margin = -1 }),
                HONE_E_VALUE, "TripletMarginWithDistanceLoss: margin -1, more than 0 is wanted");
    CHECK_FAILS(hone_nn_triplet_margin_with_distance(&(hone_nn_triplet_options){
                    .function = nothing, .distance = hone_nn_layer("PairwiseDistance", NULL) }),
                HONE_E_VALUE, "both a function and a module");
    CHECK_FAILS(hone_nn_triplet_margin_with_distance(
                    &(hone_nn_triplet_options){ .reduction = HONE_REDUCE_BATCHMEAN }),
                HONE_E_VALUE, "reduction 3");
}
