/* test_optim_groups.c: groups of parameters, and state that is saved and loaded. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

SUITE(optim_groups);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

/* ---- groups */

/* torch.optim.AdamW([{a}, {b, lr .1, weight_decay 0}], lr=.01), three steps by 1, .5, -2. */
Test(optim_groups, each_has_its_options)
{
    static const double gradients[] = { 1, 0.5, -2 };
    hone_tensor *a = leaf(T(HONE_F64, (1), 1)), *b = leaf(T(HONE_F64, (1), 1));
    hone_optim *optim = hone_adamw_list(hone_list(a), &(hone_adam_options){ .lr = 0.01 });
    cr_assert(hone_optim_groups(optim) == 1);
    cr_assert(hone_optim_add_group(optim, hone_list(b), "lr=0.1 weight_decay=0") == 1);
    cr_assert(hone_optim_groups(optim) == 2);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(hone_set_grad(a, T(HONE_F64, (1), gradients[i])));
        CHECK_OK(hone_set_grad(b, T(HONE_F64, (1), gradients[i])));
        CHECK_OK(hone_optim_step(optim));
    }
    CHECK_CLOSE(hone_detach(a), 1e-12, 0, HONE_F64, (1), 0.9824447361648126);
    CHECK_CLOSE(hone_detach(b), 1e-12, 0, HONE_F64, (1), 0.8274177408620569);
    const hone_tensor_list second = hone_optim_group_parameters(optim, 1);
    cr_assert(second.n == 1 && second.at[0] == b);
    hone_optim_free(optim);
}

Test(optim_groups, options_by_name)
{
    hone_tensor *a = leaf(T(HONE_F64, (1), 1)), *b = leaf(T(HONE_F64, (1), 1));
    hone_optim *optim = hone_sgd_list(hone_list(a), &(hone_sgd_options){ .momentum = 0.5 });
    CHECK_OK(hone_optim_set(optim, 0, "lr", 0.25));
    cr_assert(hone_optim_add_group(optim, hone_list(b), NULL) == 1);
    cr_assert(hone_optim_get(optim, 0, "lr") == 0.25);
    cr_assert(hone_optim_get(optim, 1, "lr") == 0.001); /* as it was made */
    cr_assert(hone_optim_get(optim, 1, "momentum") == 0.5);
    CHECK_OK(hone_optim_set_lr(optim, 2));
    cr_assert(hone_optim_get(optim, 0, "lr") == 2 && hone_optim_get(optim, 1, "lr") == 2);
    CHECK_OK(hone_optim_set(optim, 1, "nesterov", 1));
    cr_assert(hone_optim_get(optim, 1, "nesterov") == 1);
    CHECK_FAILS(hone_optim_set_momentum(optim, 0), HONE_E_VALUE, "nesterov wants a momentum");
    cr_assert(hone_optim_get(optim, 0, "momentum") == 0.5); /* neither has changed */
    CHECK_FAILS(hone_optim_set(optim, 2, "lr", 1), HONE_E_INDEX,
                "optim_set: sgd has no group 2 (0 to 1)");
    CHECK_FAILS(hone_optim_set(optim, 0, "beta1", 1), HONE_E_VALUE, "optim_set: sgd has no beta1");
    CHECK_FAILS(hone_optim_set(optim, 0, "lr", -1), HONE_E_VALUE, "sgd: lr is -1");
    cr_assert(isnan(hone_optim_get(optim, -1, "lr")));
    CHECK_ERROR(HONE_E_INDEX, "no group -1");
    cr_assert(isnan(hone_optim_get(optim, 0, NULL)));
    CHECK_ERROR(HONE_E_NULL, "optim_get");
    cr_assert(hone_optim_groups(NULL) == -1);
    CHECK_ERROR(HONE_E_NULL, "optim_groups");
    hone_optim_free(optim);
}

Test(optim_groups, that_can_not_be)
{
    hone_tensor *a = leaf(T(HONE_F32, (1), 1)), *b = leaf(T(HONE_F32, (1), 1));
    hone_optim *optim = hone_adam_list(hone_list(a), NULL);
    const struct {
        hone_tensor_list list;
        const char *options;
        hone_status code;
        const char *text;
    } bad[] = {
        { hone_list(b, a), NULL, HONE_E_STATE, "parameter 1 is in group 0 of adam already" },
        { hone_list(b), "lr=-1", HONE_E_VALUE, "adam: lr is -1" },
        { hone_list(b), "rho=1", HONE_E_VALUE, "adam: it has no attribute \"rho\"" },
        { hone_list(T(HONE_F32, (1), 1)), NULL, HONE_E_STATE, "requires a gradient" },
        { { NULL, 0 }, NULL, HONE_E_NULL, "adam" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert(hone_optim_add_group(optim, bad[i].list, bad[i].options) == -1);
        CHECK_ERROR(bad[i].code, bad[i].text);
    }
    cr_assert(hone_optim_groups(optim) == 1);
    cr_assert(hone_optim_add_group(NULL, hone_list(b), NULL) == -1);
    CHECK_ERROR(HONE_E_NULL, "optim_add_group");
    hone_optim_free(optim);
}

/* ---- state */

static hone_optim *optim_of(const char *name, hone_tensor **p)
{
    for (int i = 0; i < 3; i++)
        p[i] = leaf(hone_add_scalar(hone_ones(HONE_F32, 2, 3), i));
    const char *options = strcmp(name, "sgd") == 0 ? "lr=0.1 momentum=0.9" : "lr=0.1";
    hone_optim *optim = hone_optim_by_name(name, hone_list(p[0], p[1]), options);
    cr_assert(hone_optim_add_group(optim, hone_list(p[2]), "lr=0.01") == 1);
    return optim;
}

static void steps(hone_optim *optim, hone_tensor **p, int n)
{
    for (int i = 0; i < n; i++) {
        HONE_SCOPE();
        CHECK_OK(hone_optim_zero_grad(optim));
        CHECK_OK(hone_backward(hone_sum(hone_pow_scalar(hone_add(p[0], p[2]), 3))));
        CHECK_OK(hone_optim_step(optim)); /* p[1] has no gradient, and no state */
    }
}

static void check_again(const char *name)
{
    hone_tensor *p[3], *q[3];
    hone_optim *whole = optim_of(name, p), *half = optim_of(name, q);
    steps(whole, p, 7);
    steps(half, q, 4);
    char path[] = "/tmp/hone_optim_XXXXXX";
    close(mkstemp(path));
    CHECK_OK(hone_optim_set(half, 0, "weight_decay", 0.25));
    CHECK_OK(hone_safetensors_save(path, hone_optim_state(half), NULL));
    hone_tensor *r[3];
    hone_optim *other = optim_of(name, r);
    for (int i = 0; i < 3; i++)
        hone_copy_(hone_detach(r[i]), hone_detach(q[i]));
    CHECK_OK(hone_optim_load_state(other, hone_safetensors_load(path, NULL)));
    unlink(path);
    cr_assert(hone_optim_get(other, 0, "weight_decay") == 0.25);
    CHECK_OK(hone_optim_set(other, 0, "weight_decay", hone_optim_get(whole, 0, "weight_decay")));
    steps(other, r, 3);
    for (int i = 0; i < 3; i++)
        cr_assert(hone_equal(hone_detach(p[i]), hone_detach(r[i])), "%s: parameter %d", name, i);
    hone_optim_free(whole);
    hone_optim_free(half);
    hone_optim_free(other);
}

Test(optim_groups, a_run_goes_on_from_its_saved_state)
{
    for (int i = 0; i < hone_optim_kinds(); i++) {
        HONE_SCOPE();
        check_again(hone_optim_kind(i));
    }
}

static bool has(hone_named_list list, const char *name)
{
    for (int i = 0; i < list.n; i++)
        if (strcmp(list.at[i].name, name) == 0)
            return true;
    return false;
}

Test(optim_groups, state_has_pytorchs_names)
{
    static const char *const names[][4] = {
        { "sgd", "momentum_buffer" },         { "adam", "step", "exp_avg", "exp_avg_sq" },
        { "nadam", "mu_product", "exp_avg" }, { "adamax", "exp_inf", "step" },
        { "rmsprop", "square_avg", "step" },  { "adagrad", "sum", "step" },
        { "adadelta", "acc_delta" },          { "lion", "exp_avg" },
        { "muon", "momentum_buffer" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        HONE_SCOPE();
        hone_tensor *p[3];
        hone_optim *optim = optim_of(names[i][0], p);
        hone_named_list before = hone_optim_state(optim);
        cr_assert(has(before, "param_groups.1.lr") && !has(before, "state.0.step"));
        steps(optim, p, 2);
        const hone_named_list state = hone_optim_state(optim);
        for (int k = 1; k < 4 && names[i][k]; k++) {
            char name[60];
            snprintf(name, sizeof name, "state.0.%s", names[i][k]);
            cr_assert(has(state, name), "%s", name);
            snprintf(name, sizeof name, "state.1.%s", names[i][k]);
            cr_assert(!has(state, name), "%s", name);
        }
        cr_assert(hone_item(hone_named_find(state, "param_groups.1.lr")) == 0.01);
        if (has(state, "state.2.step"))
            CHECK_VALUE0(hone_named_find(state, "state.2.step"), HONE_I64, 2);
        hone_optim_free(optim);
    }
    cr_assert(!hone_optim_state(NULL).at);
    CHECK_ERROR(HONE_E_NULL, "optim_state");
}

#define REFUSED(code, text, ...)                                                                   \
    CHECK_FAILS(hone_optim_load_state(optim, hone_list_named(__VA_ARGS__)), code,                  \
                "optim_load_state: " text)

Test(optim_groups, states_that_do_not_fit)
{
    hone_tensor *p[3], *six = hone_ones(HONE_F32, 2, 3), *two = T0(HONE_I64, 2);
    hone_optim *optim = optim_of("adam", p);
    steps(optim, p, 1);
    hone_tensor *m = hone_clone(hone_named_find(hone_optim_state(optim), "state.0.exp_avg"));
    REFUSED(HONE_E_STATE, "\"state.3.step\" is unexpected: adam has 3 parameters and 2 groups",
            { "state.3.step", two });
    REFUSED(HONE_E_STATE, "\"exp_avg\" is unexpected", { "exp_avg", six });
    REFUSED(HONE_E_STATE, "\"state.0.sum\" is unexpected", { "state.0.sum", six });
    REFUSED(HONE_E_STATE, "\"state.-1.step\" is unexpected", { "state.-1.step", two });
    REFUSED(HONE_E_STATE, "\"param_groups.0.rho\" is unexpected", { "param_groups.0.rho", two });
    REFUSED(HONE_E_STATE, "\"state.0.exp_avg_sq\" is missing", { "state.0.step", two },
            { "state.0.exp_avg", six });
    REFUSED(HONE_E_STATE, "\"state.0.step\" is missing", { "state.0.exp_avg_sq", six },
            { "state.0.exp_avg", six });
    REFUSED(HONE_E_SHAPE, "\"state.0.exp_avg\" is f32 [3, 2], its parameter f32 [2, 3]",
            { "state.0.exp_avg", hone_ones(HONE_F32, 3, 2) });
    REFUSED(HONE_E_DTYPE, "\"state.0.exp_avg\" is f64 [2, 3], its parameter f32 [2, 3]",
            { "state.0.exp_avg", hone_ones(HONE_F64, 2, 3) });
    REFUSED(HONE_E_SHAPE, "\"state.0.step\" is f32 [2, 3], but one number is wanted",
            { "state.0.step", six });
    REFUSED(HONE_E_VALUE, "\"state.0.step\" is 0.5, but 1 or more is wanted",
            { "state.0.step", T0(HONE_F64, 0.5) });
    CHECK_FAILS(
        hone_optim_load_state(optim, hone_list_named({ "param_groups.1.lr", T0(HONE_F64, -1) })),
        HONE_E_VALUE, "adam: lr is -1");
    CHECK_FAILS(hone_optim_load_state(optim, (hone_named_list){ NULL, 0 }), HONE_E_NULL, "a list");
    CHECK_FAILS(hone_optim_load_state(NULL, hone_list_named({ "a", six })), HONE_E_NULL,
                "an optimizer");
    cr_assert(hone_equal(m, hone_named_find(hone_optim_state(optim), "state.0.exp_avg")));
    /* a step count as PyTorch has it */
    CHECK_OK(hone_optim_load_state(optim, hone_list_named({ "state.1.step", T0(HONE_F32, 5) },
                                                          { "state.1.exp_avg", six },
                                                          { "state.1.exp_avg_sq", six })));
    const hone_named_list state = hone_optim_state(optim);
    CHECK_VALUE0(hone_named_find(state, "state.1.step"), HONE_I64, 5);
    cr_assert(!has(state, "state.0.step")); /* it had none */
    hone_optim_free(optim);
}

static bool save_and_load(void)
{
    HONE_SCOPE();
    hone_tensor *p = leaf(hone_ones(HONE_F32, 3, 2));
    hone_optim *optim = p ? hone_adam_list(hone_list(p), NULL) : NULL;
    bool ok = optim && hone_backward(hone_sum(p)) == HONE_OK && hone_optim_step(optim) == HONE_OK;
    if (ok) {
        const hone_named_list state = hone_optim_state(optim);
        ok = state.at && hone_optim_load_state(optim, state) == HONE_OK;
    }
    hone_optim_free(optim);
    return ok;
}

Test(optim_groups, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(save_and_load);
}
