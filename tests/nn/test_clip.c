/* test_clip.c: gradients cut down, and averages of parameters. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <unistd.h>

SUITE(clip);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

static hone_tensor *with_grad(hone_tensor *grad)
{
    hone_tensor *p = leaf(hone_zeros_like(grad));
    CHECK_OK(hone_set_grad(p, grad));
    return p;
}

/* ---- norms; the numbers are what torch.nn.utils.clip_grad_norm_ (2.13) gives */

static void norm_row(hone_dtype dtype, double a, double b, double max_norm, double p, double norm,
                     double after_a, double after_b)
{
    hone_tensor *param = with_grad(T(dtype, (2), a, b));
    const hone_clip_grad_norm_options o = { .norm_type = p };
    double got = -1;
    CHECK_OK(hone_clip_grad_norm_(hone_list(param), max_norm, &o, &got));
    cr_assert(fabs(got - norm) <= 1e-6 * norm || got == norm, "p %g: %g", p, got);
    const double rtol = dtype == HONE_F64 ? 1e-14 : 1e-6;
    CHECK_CLOSE(hone_grad(param), rtol, 0, dtype, (2), after_a, after_b);
}

Test(clip, norms)
{
    for (hone_dtype d = HONE_F32; d <= HONE_F64; d++) {
        norm_row(d, 3, 4, 5, 0, 5, 2.99999940000012, 3.99999920000016);
        norm_row(d, 3, 4, 1, 2, 5, 0.599999880000024, 0.799999840000032);
        norm_row(d, 3, 4, 10, 2, 5, 3, 4);
        norm_row(d, 3, -4, 1, INFINITY, 4, 0.7499998125000469, -0.9999997500000625);
        norm_row(d, 3, -4, 1, -INFINITY, 3, 0.9999996666667778, -1.333332888889037);
        norm_row(d, 3, -4, 1, 1, 7, 0.42857136734694745, -0.57142848979593);
        norm_row(d, 3, -4, 1, HONE_ZERO, 1, 2.9999970000030003, -3.9999960000040002);
        norm_row(d, 3, -4, 1, 3, 4.497941445275415, 0.6669716290281047, -0.8892955053708063);
        norm_row(d, 3, -4, 0, 2, 5, 0, -0.0);
        hone_tensor *p = with_grad(T(d, (2), 3, INFINITY));
        double norm;
        CHECK_OK(hone_clip_grad_norm_(hone_list(p), 1, NULL, &norm));
        cr_assert(isinf(norm) && hone_at(hone_grad(p), 0) == 0 && isnan(hone_at(hone_grad(p), 1)));
        p = with_grad(T(d, (2), 3, NAN));
        CHECK_OK(hone_clip_grad_norm_(hone_list(p), 1, NULL, &norm));
        cr_assert(isnan(norm) && isnan(hone_at(hone_grad(p), 0)));
    }
}

Test(clip, several_parameters_are_one_vector)
{
    hone_tensor *a = with_grad(T(HONE_F64, (2), 1, 2)), *b = with_grad(T(HONE_F32, (1, 2), 2, 4));
    hone_tensor *none = leaf(hone_ones(HONE_F32, 3)), *empty = with_grad(hone_zeros(HONE_F32, 0));
    hone_tensor *zero = with_grad(hone_zeros(HONE_F32, 2));
    const hone_tensor_list all = hone_list(a, none, b, empty, zero);
    double norm;
    CHECK_OK(hone_clip_grad_norm_(all, 100, NULL, &norm));
    cr_assert(norm == 5);
    CHECK_OK(hone_clip_grad_norm_(all, 100,
                                  &(hone_clip_grad_norm_options){ .norm_type = HONE_ZERO }, &norm));
    cr_assert(norm == 2); /* tensors that aren't 0 */
    CHECK_OK(hone_clip_grad_norm_(all, 1, NULL, NULL));
    CHECK_CLOSE(hone_grad(a), 1e-14, 0, HONE_F64, (2), 1 / (5 + 1e-6), 2 / (5 + 1e-6));
    CHECK_CLOSE(hone_grad(b), 1e-6, 0, HONE_F32, (1, 2), 0.4, 0.8);
    cr_assert_null(hone_grad(none));
    hone_error_clear();
    CHECK_OK(hone_clip_grad_norm_(hone_list(none), 1, NULL, &norm));
    cr_assert(norm == 0);
}

/* Where squares leave the range of f32. */
Test(clip, large_and_small_gradients)
{
    double norm;
    hone_tensor *p = with_grad(T(HONE_F32, (2), 3e25, 4e25));
    CHECK_OK(hone_clip_grad_norm_(hone_list(p), 1, NULL, &norm));
    cr_assert(fabs(norm / 5e25 - 1) < 1e-6);
    CHECK_CLOSE(hone_grad(p), 1e-6, 0, HONE_F32, (2), 0.6, 0.8);
    p = with_grad(T(HONE_F32, (2), 3e-25, 4e-25));
    CHECK_OK(hone_clip_grad_norm_(hone_list(p), 1, NULL, &norm));
    cr_assert(fabs(norm / 5e-25 - 1) < 1e-6);
}

Test(clip, norms_that_are_refused)
{
    hone_tensor *p = with_grad(T(HONE_F32, (2), 3, INFINITY));
    const hone_clip_grad_norm_options strict = { .error_if_nonfinite = true };
    double norm = 0;
    CHECK_FAILS(hone_clip_grad_norm_(hone_list(p), 1, &strict, &norm), HONE_E_VALUE,
                "clip_grad_norm_: the total norm of order 2 of the gradients is inf");
    cr_assert(isinf(norm));
    CHECK_VALUES(hone_grad(p), HONE_F32, (2), 3, INFINITY);
    CHECK_FAILS(hone_clip_grad_norm_(hone_list(p), -1, NULL, NULL), HONE_E_VALUE,
                "clip_grad_norm_: max_norm is -1, but 0 or more is wanted");
    CHECK_FAILS(hone_clip_grad_norm_(hone_list(p), NAN, NULL, NULL), HONE_E_VALUE,
                "max_norm is nan");
    CHECK_FAILS(hone_clip_grad_norm_(hone_list(p), 1,
                                     &(hone_clip_grad_norm_options){ .norm_type = NAN }, NULL),
                HONE_E_VALUE, "norm_type is nan");
    CHECK_FAILS(hone_clip_grad_norm_((hone_tensor_list){ NULL, 0 }, 1, NULL, NULL), HONE_E_NULL,
                "clip_grad_norm_");
}

/* The same bits however the gradient lies. */
Test(clip, strided_gradients)
{
    hone_tensor *g = hone_randn(HONE_F32, 300, 70), *turned = hone_zeros(HONE_F32, 70, 300);
    turned = hone_transpose(turned, 0, 1);
    hone_copy_(turned, g);
    hone_tensor *a = with_grad(g), *b = with_grad(turned);
    double one, other;
    CHECK_OK(hone_clip_grad_norm_(hone_list(a), 1, NULL, &one));
    CHECK_OK(hone_clip_grad_norm_(hone_list(b), 1, NULL, &other));
    cr_assert(one == other && hone_equal(hone_grad(a), hone_grad(b)));
}

Test(clip, values)
{
    hone_tensor *p = with_grad(T(HONE_F32, (5), -3, 0.5, NAN, INFINITY, -0.0));
    CHECK_OK(hone_clip_grad_value_(hone_list(p, leaf(hone_ones(HONE_F32, 1))), 1));
    CHECK_VALUES(hone_grad(p), HONE_F32, (5), -1, 0.5, NAN, 1, -0.0);
    CHECK_FAILS(hone_clip_grad_value_(hone_list(p), -1), HONE_E_VALUE,
                "clip_grad_value_: clip_value is -1, but 0 or more is wanted");
    CHECK_FAILS(hone_clip_grad_value_((hone_tensor_list){ NULL, 0 }, 1), HONE_E_NULL,
                "clip_grad_value_");
}

/* ---- averages */

static hone_tensor *weight_of(hone_module *m)
{
    return hone_parameters(m).at[0];
}

static void set_weight(hone_module *m, double value)
{
    HONE_NO_GRAD();
    hone_copy_(weight_of(m), hone_full(HONE_F64, value, 1, 1));
}

static hone_module *one_weight(void)
{
    return hone_nn_linear_with(1, 1,
                               &(hone_nn_linear_options){ .no_bias = true, .dtype = HONE_F64 });
}

static double mean_after(const hone_average_options *o, const double *values, int n)
{
    hone_module *m = one_weight();
    hone_average *a = hone_average_new(m, o);
    cr_assert(a, "%s", hone_error_message());
    for (int i = 0; i < n; i++) {
        set_weight(m, values[i]);
        CHECK_OK(hone_average_update(a));
    }
    cr_assert(hone_average_updates(a) == n);
    const double mean = hone_item(hone_named_find(hone_average_state(a), "weight"));
    hone_average_free(a);
    hone_module_free(m);
    return mean;
}

Test(clip, averages)
{
    static const double v[] = { 1, 3, -2, 7 };
    const hone_average_options ema = { .decay = 0.9 }, swa = { .equal = true },
                               none = { .decay = HONE_ZERO }, stays = { .decay = 1 };
    cr_assert(mean_after(&ema, v, 1) == 1);
    cr_assert_float_eq(mean_after(&ema, v, 2), 1.2, 1e-15);
    cr_assert_float_eq(mean_after(&ema, v, 4), 0.9 * (0.9 * 1.2 - 0.2) + 0.7, 1e-15);
    cr_assert_float_eq(mean_after(&swa, v, 4), 9 / 4., 1e-15);
    cr_assert(mean_after(&none, v, 4) == 7 && mean_after(&stays, v, 4) == 1);
    cr_assert_float_eq(mean_after(NULL, v, 2), 1.002, 1e-15);
}

Test(clip, averages_change_places_with_the_parameters)
{
    hone_module *m = one_weight();
    set_weight(m, 1);
    hone_average *a = hone_average_new(m, &(hone_average_options){ .decay = 0.5 });
    CHECK_OK(hone_average_update(a));
    set_weight(m, 3);
    CHECK_OK(hone_average_update(a));
    CHECK_OK(hone_average_swap(a));
    CHECK_VALUES(hone_detach(weight_of(m)), HONE_F64, (1, 1), 2);
    cr_assert(hone_is_leaf(weight_of(m)));
    CHECK_OK(hone_average_swap(a));
    CHECK_VALUES(hone_detach(weight_of(m)), HONE_F64, (1, 1), 3);
    /* and its state goes to another one */
    hone_average *b = hone_average_new(m, &(hone_average_options){ .decay = 0.5 });
    CHECK_OK(hone_average_load_state(b, hone_average_state(a)));
    cr_assert(hone_average_updates(b) == 2);
    CHECK_VALUES(hone_named_find(hone_average_state(b), "weight"), HONE_F64, (1, 1), 2);
    hone_tensor *n = hone_scalar(HONE_I64, 1);
    CHECK_FAILS(hone_average_load_state(b, hone_list_named({ "n_averaged", n })), HONE_E_STATE,
                "average_load_state: \"weight\" is missing");
    CHECK_FAILS(hone_average_load_state(
                    b, hone_list_named({ "weight", hone_ones(HONE_F64, 1) }, { "n_averaged", n })),
                HONE_E_SHAPE, "\"weight\" is f64 [1], the module's f64 [1, 1]");
    CHECK_FAILS(
        hone_average_load_state(b, hone_list_named({ "weight", hone_ones(HONE_F64, 1, 1) })),
        HONE_E_STATE, "\"n_averaged\" is missing");
    hone_average_free(a);
    hone_average_free(b);
    hone_module_free(m);
}

Test(clip, averages_of_buffers)
{
    hone_module *m = hone_nn_batch_norm1d(2, NULL);
    hone_average *a = hone_average_new(m, &(hone_average_options){ .use_buffers = true });
    hone_average *b = hone_average_new(m, NULL);
    hone_forward(m, T(HONE_F32, (2, 2), 1, 2, 3, 4));
    CHECK_OK(hone_average_update(a));
    cr_assert(hone_average_state(a).n == 6 && hone_average_state(b).n == 3);
    CHECK_VALUE0(hone_named_find(hone_average_state(a), "num_batches_tracked"), HONE_I64, 1);
    hone_average_free(a);
    hone_average_free(b);
    hone_module_free(m);
}

Test(clip, averages_that_can_not_be)
{
    hone_module *m = one_weight();
    CHECK_FAILS(hone_average_new(m, &(hone_average_options){ .decay = 2 }), HONE_E_VALUE,
                "average: decay is 2, but 0 to 1 is wanted");
    CHECK_FAILS(hone_average_new(NULL, NULL), HONE_E_NULL, "average");
    CHECK_FAILS(hone_average_update(NULL), HONE_E_NULL, "average_update");
    CHECK_FAILS(hone_average_swap(NULL), HONE_E_NULL, "average_swap");
    cr_assert(hone_average_updates(NULL) == -1 && !hone_average_state(NULL).at);
    CHECK_ERROR(HONE_E_NULL, "average_updates");
    CHECK_FAILS(hone_average_load_state(NULL, (hone_named_list){ NULL, 0 }), HONE_E_NULL,
                "an average");
    hone_average_free(NULL);
    hone_module_free(m);
}

static bool average(void)
{
    HONE_SCOPE();
    hone_module *m = one_weight();
    hone_average *a = m ? hone_average_new(m, NULL) : NULL;
    bool ok = a && hone_average_update(a) == HONE_OK && hone_average_update(a) == HONE_OK &&
              hone_average_swap(a) == HONE_OK;
    if (ok) {
        const hone_named_list state = hone_average_state(a);
        ok = state.at && hone_average_load_state(a, state) == HONE_OK;
    }
    hone_average_free(a);
    hone_module_free(m);
    return ok;
}

Test(clip, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(average);
}
