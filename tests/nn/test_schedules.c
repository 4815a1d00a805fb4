/* test_schedules.c: what the goldens don't show of schedules: groups, rates set by hand, ends,
 * errors. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <string.h>

SUITE(schedules);

static hone_tensor *leaf(void)
{
    return hone_requires_grad_(hone_zeros(HONE_F64, 1), true);
}

static hone_optim *optim_new(double lr)
{
    return hone_sgd_list(hone_list(leaf()), &(hone_sgd_options){ .lr = lr });
}

static void check_rates(hone_schedule *s, hone_optim *optim, const double *wanted, int n)
{
    cr_assert(s, "%s", hone_error_message());
    for (int i = 0; i < n; i++) {
        if (i > 0)
            CHECK_OK(hone_schedule_step(s));
        cr_assert_float_eq(hone_optim_lr(optim), wanted[i], 1e-15, "step %d: %.17g", i,
                           hone_optim_lr(optim));
    }
    hone_schedule_free(s);
    hone_optim_free(optim);
}
#define CHECK_RATES(s, optim, ...)                                                                 \
    check_rates(s, optim, (const double[]){ __VA_ARGS__ },                                         \
                sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

/* PyTorch's numbers, of few steps. */
Test(schedules, one_cycle_of_few_steps)
{
    hone_optim *o = optim_new(1);
    CHECK_RATES(hone_lr_one_cycle(o, &(hone_lr_one_cycle_options){ .max_lr = 1, .total_steps = 3 }),
                o, 0.9944154354509117, 0.46263710266697505, 4e-06);
    o = optim_new(1);
    CHECK_RATES(
        hone_lr_one_cycle(
            o, &(hone_lr_one_cycle_options){ .max_lr = 1, .total_steps = 10, .three_phase = true }),
        o, 0.040000000000000036, 0.52, 1.0, 0.52, 0.04, 0.0361807218535102, 0.0261817218535102,
        0.013822278146489805, 0.0038232781464898036, 4e-06);
    o = optim_new(1);
    CHECK_RATES(
        hone_lr_one_cycle(
            o, &(hone_lr_one_cycle_options){ .max_lr = 1, .total_steps = 5, .linear = true }),
        o, 0.04, 0.8571434285714286, 0.5714302857142857, 0.2857171428571429, 4.000000000004e-06);
}

Test(schedules, one_cycle_ends)
{
    hone_optim *o = optim_new(1);
    hone_schedule *s =
        hone_lr_one_cycle(o, &(hone_lr_one_cycle_options){ .max_lr = 1, .total_steps = 4 });
    for (int i = 0; i < 4; i++)
        CHECK_OK(hone_schedule_step(s));
    CHECK_FAILS(hone_schedule_step(s), HONE_E_STATE, "one_cycle: all of its 4 steps are done");
    hone_schedule_free(s);
    hone_optim_free(o);
    /* a rise of no steps begins at its top */
    o = optim_new(1);
    s = hone_schedule_by_name("one_cycle", o, "max_lr=1 total_steps=10 pct_start=0.1");
    cr_assert(hone_optim_lr(o) == 1);
    hone_schedule_free(s);
    hone_optim_free(o);
}

Test(schedules, one_cycle_wants_a_momentum)
{
    hone_optim *o = hone_adagrad_list(hone_list(leaf()), NULL);
    CHECK_FAILS(hone_schedule_by_name("one_cycle", o, "max_lr=1 total_steps=4"), HONE_E_VALUE,
                "one_cycle: adagrad has no momentum or beta1 to cycle");
    hone_schedule *s =
        hone_schedule_by_name("one_cycle", o, "max_lr=1 total_steps=4 no_cycle_momentum=true");
    CHECK_OK(hone_schedule_step(s));
    hone_schedule_free(s);
    hone_optim_free(o);
}

/* Most go on from the rate that stands there; PyTorch's numbers. */
Test(schedules, rates_set_by_hand)
{
    hone_optim *o = optim_new(1);
    hone_schedule *s = hone_schedule_by_name("step", o, "step_size=2 gamma=0.5");
    CHECK_OK(hone_optim_set_lr(o, 8));
    CHECK_OK(hone_schedule_step(s));
    cr_assert(hone_optim_lr(o) == 8);
    CHECK_OK(hone_schedule_step(s));
    cr_assert(hone_optim_lr(o) == 4 && hone_schedule_last_lr(s, 0) == 4);
    hone_schedule_free(s);
    hone_optim_free(o);
}

Test(schedules, two_on_one_optimizer_multiply)
{
    hone_optim *o = optim_new(1);
    hone_schedule *a = hone_lr_constant(o, &(hone_lr_constant_options){ .factor = 0.5 });
    hone_schedule *b = hone_lr_exponential(o, &(hone_lr_exponential_options){ .gamma = 0.5 });
    for (int i = 0; i < 5; i++) {
        cr_assert(hone_optim_lr(o) == 0.5 * pow(0.5, i));
        CHECK_OK(hone_schedule_step(a));
        CHECK_OK(hone_schedule_step(b));
    }
    cr_assert(hone_optim_lr(o) == pow(0.5, 5));
    hone_schedule_free(a);
    hone_schedule_free(b);
    hone_optim_free(o);
}

Test(schedules, each_group_from_its_own_rate)
{
    hone_optim *o = optim_new(1);
    hone_optim_add_group(o, hone_list(leaf()), "lr=0.1");
    hone_schedule *s = hone_schedule_by_name("cosine", o, "t_max=4");
    CHECK_OK(hone_schedule_step(s));
    CHECK_OK(hone_schedule_step(s));
    cr_assert_float_eq(hone_optim_get(o, 0, "lr"), 0.5, 1e-15);
    cr_assert_float_eq(hone_optim_get(o, 1, "lr"), 0.05, 1e-15);
    cr_assert_float_eq(hone_schedule_last_lr(s, 1), 0.05, 1e-15);
    cr_assert(isnan(hone_schedule_last_lr(s, 2)));
    CHECK_ERROR(HONE_E_INDEX, "there is no group 2 (0 to 1)");
    hone_optim_add_group(o, hone_list(leaf()), NULL);
    CHECK_FAILS(hone_schedule_step(s), HONE_E_STATE, "was made for 2 groups, the optimizer has 3");
    hone_schedule_free(s);
    hone_optim_free(o);
}

/* ---- plateau; PyTorch's numbers but for the last */

static void check_plateau(const char *options, const double *metrics, const double *wanted, int n)
{
    hone_optim *o = optim_new(1);
    hone_schedule *s = hone_schedule_by_name("plateau", o, options);
    for (int i = 0; i < n; i++) {
        CHECK_OK(hone_schedule_step_metric(s, metrics[i]));
        cr_assert_float_eq(hone_optim_lr(o), wanted[i], 1e-15, "%s, step %d: %g", options, i,
                           hone_optim_lr(o));
    }
    hone_schedule_free(s);
    hone_optim_free(o);
}

Test(schedules, plateaus)
{
    static const double ones[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, none[] = { NAN, 1, 1, 1 },
                        up[] = { -1, -.99995, -.9999, -.99986 };
    check_plateau("", ones, (const double[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.1 }, 12);
    check_plateau("patience=1 cooldown=2", ones,
                  (const double[]){ 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01 }, 8);
    check_plateau("patience=0", none, (const double[]){ 0.1, 0.1, 0.01, 0.001 }, 4);
    check_plateau("patience=0 min_lr=0.05", ones, (const double[]){ 1, 0.1, 0.05, 0.05 }, 4);
    /* PyTorch takes a slow worsening of a negative metric for progress. */
    check_plateau("patience=0", up, (const double[]){ 1, 0.1, 0.01, 0.001 }, 4);
}

Test(schedules, a_plateau_without_patience)
{
    hone_optim *o = optim_new(1);
    hone_schedule *s = hone_lr_plateau(o, &(hone_lr_plateau_options){ .patience = HONE_ZERO });
    CHECK_OK(hone_schedule_step_metric(s, 1));
    CHECK_OK(hone_schedule_step_metric(s, 1));
    cr_assert(hone_optim_lr(o) == 0.1);
    CHECK_FAILS(hone_schedule_step(s), HONE_E_STATE, "plateau wants a metric");
    hone_schedule_free(s);
    hone_optim_free(o);
}

/* ---- state */

static hone_schedule *of_kind(int kind, hone_optim *o)
{
    static const char *const options[][2] = {
        { "step", "step_size=3" },
        { "multistep", "milestones=3,7" },
        { "exponential", "gamma=0.9" },
        { "constant", "total_iters=7" },
        { "linear", "total_iters=9" },
        { "polynomial", "total_iters=9" },
        { "cosine", "t_max=5" },
        { "cosine_restarts", "t_0=4" },
        { "one_cycle", "max_lr=1 total_steps=20" },
        { "plateau", "patience=1 cooldown=1 factor=0.5" },
    };
    const int n = sizeof options / sizeof *options;
    cr_assert(n == hone_schedule_kinds());
    return kind < n ? hone_schedule_by_name(options[kind][0], o, options[kind][1])
                    : hone_lr_warmup(hone_schedule_by_name("cosine", o, "t_max=5"), 4, 0.1);
}

static double metric(int i)
{
    return i % 3 ? 2 : 1. / (i + 1);
}

Test(schedules, go_on_from_their_state)
{
    for (int kind = 0; kind <= hone_schedule_kinds(); kind++) {
        HONE_SCOPE();
        hone_optim *o = optim_new(0.5), *q = optim_new(0.5);
        hone_schedule *s = of_kind(kind, o), *r = of_kind(kind, q);
        for (int i = 0; i < 6; i++)
            CHECK_OK(hone_schedule_step_metric(s, metric(i)));
        CHECK_OK(hone_schedule_load_state(r, hone_schedule_state(s)));
        CHECK_OK(hone_optim_load_state(q, hone_optim_state(o)));
        for (int i = 6; i < 14; i++) {
            cr_assert(hone_optim_lr(o) == hone_optim_lr(q), "%d, step %d", kind, i);
            cr_assert(hone_schedule_last_lr(r, 0) == hone_schedule_last_lr(s, 0));
            CHECK_OK(hone_schedule_step_metric(s, metric(i)));
            CHECK_OK(hone_schedule_step_metric(r, metric(i)));
        }
        hone_schedule_free(s);
        hone_schedule_free(r);
        hone_optim_free(o);
        hone_optim_free(q);
    }
}

Test(schedules, states_that_do_not_fit)
{
    hone_optim *o = optim_new(1);
    hone_schedule *s = hone_schedule_by_name("cosine", o, "t_max=5");
    hone_named_list state = hone_schedule_state(s);
    CHECK_VALUE0(hone_named_find(state, "last_epoch"), HONE_I64, 0);
    state.n--;
    CHECK_FAILS(hone_schedule_load_state(s, state), HONE_E_STATE,
                "schedule_load_state: \"initial_lr.0\" is missing");
    state.n++;
    state.at[0].tensor = hone_scalar(HONE_F64, -1);
    CHECK_FAILS(hone_schedule_load_state(s, state), HONE_E_VALUE, "\"last_epoch\" is -1");
    CHECK_FAILS(hone_schedule_load_state(s, (hone_named_list){ NULL, 0 }), HONE_E_NULL, "a list");
    CHECK_FAILS(hone_schedule_state(NULL).at, HONE_E_NULL, "schedule_state");
    hone_schedule_free(s);
    hone_optim_free(o);
}

/* ---- errors */

Test(schedules, that_can_not_be)
{
    hone_optim *o = optim_new(1), *other = optim_new(1);
#define REFUSED(name, options, text)                                                               \
    CHECK_FAILS(hone_schedule_by_name(name, o, options), HONE_E_VALUE, text)
    REFUSED("step", "", "step: attribute step_size is missing");
    REFUSED("step", "step_size=0", "step: step_size is 0, but 1 to");
    REFUSED("step", "step_size=2 gamma=-1", "step: gamma is -1, but 0 or more is wanted");
    REFUSED("multistep", "", "multistep: attribute milestones is missing");
    REFUSED("multistep", "milestones=4,3", "multistep: milestone 1 is 3, but they have to rise");
    REFUSED("constant", "factor=2", "constant: factor is 2, but 0 to 1 is wanted");
    REFUSED("linear", "start_factor=0", "linear: start_factor is 0");
    REFUSED("cosine", "t_max=-1", "cosine: t_max is -1");
    REFUSED("cosine_restarts", "t_0=3 t_mult=0", "cosine_restarts: t_mult is 0");
    REFUSED("one_cycle", "max_lr=1 total_steps=5 pct_start=2", "one_cycle: pct_start is 2");
    REFUSED("plateau", "factor=1", "plateau: factor is 1, but 0 to below 1 is wanted");
    REFUSED("sine", "", "there is no schedule \"sine\": step, multistep");
    CHECK_FAILS(hone_lr_step(o, NULL), HONE_E_VALUE, "step_size is missing");
    CHECK_FAILS(hone_lr_step(NULL, &(hone_lr_step_options){ .step_size = 1 }), HONE_E_NULL,
                "an optimizer");
    CHECK_FAILS(hone_lr_multistep(o, NULL, 2, 0), HONE_E_NULL, "multistep");
    CHECK_FAILS(hone_lr_multistep(o, (const int64_t[]){ 1 }, 1, NAN), HONE_E_VALUE, "gamma is nan");
    CHECK_FAILS(hone_schedule_step(NULL), HONE_E_NULL, "schedule_step");
    CHECK_FAILS(hone_schedule_by_name(NULL, o, NULL), HONE_E_NULL, "a name");
    cr_assert(isnan(hone_schedule_last_lr(NULL, 0)));
    CHECK_ERROR(HONE_E_NULL, "schedule_last_lr");
    cr_assert(hone_optim_lr(o) == 1); /* none has changed it */
    hone_schedule_free(NULL);
    for (int i = 0; i < hone_schedule_kinds(); i++)
        cr_assert(hone_schedule_kind(i));
    cr_assert(!hone_schedule_kind(hone_schedule_kinds()) && !hone_schedule_kind(-1));
    hone_optim_free(o);
    hone_optim_free(other);
}

static hone_schedule *exponential(hone_optim *o)
{
    return hone_lr_exponential(o, &(hone_lr_exponential_options){ .gamma = 0.5 });
}

Test(schedules, sequences_that_can_not_be)
{
    hone_optim *o = optim_new(1), *other = optim_new(1);
    const int64_t at[] = { 5, 5 };
    hone_schedule *twice = exponential(o);
#define SEQUENCE(text, code, n, ...)                                                               \
    CHECK_FAILS(hone_lr_sequential(o, (hone_schedule *const[]){ __VA_ARGS__ }, at, n), code, text)
    SEQUENCE("part 1 is plateau", HONE_E_VALUE, 2, exponential(o), hone_lr_plateau(o, NULL));
    SEQUENCE("part 1 is another optimizer's", HONE_E_VALUE, 2, exponential(o), exponential(other));
    SEQUENCE("part 1 is part 0, too", HONE_E_VALUE, 2, twice, twice);
    SEQUENCE("milestone 1 is 5", HONE_E_VALUE, 3, exponential(o), exponential(o), exponential(o));
    SEQUENCE("there are no schedules", HONE_E_VALUE, 0, NULL);
    SEQUENCE("a schedule", HONE_E_NULL, 2, exponential(o), NULL);
    SEQUENCE("part 0 is a sequence", HONE_E_VALUE, 2, hone_lr_warmup(exponential(o), 3, 0),
             exponential(o));
    CHECK_FAILS(hone_lr_warmup(exponential(o), 0, 0), HONE_E_VALUE, "warmup: 0 steps");
    CHECK_FAILS(hone_lr_warmup(exponential(o), 3, 2), HONE_E_VALUE, "linear: start_factor is 2");
    CHECK_FAILS(hone_lr_warmup(NULL, 3, 0), HONE_E_NULL, "warmup");
    hone_optim_free(o);
    hone_optim_free(other);
}

static bool make_them(void)
{
    HONE_SCOPE();
    hone_optim *o = optim_new(1);
    hone_schedule *s = o ? hone_lr_multistep(o, (const int64_t[]){ 2, 4 }, 2, 0) : NULL;
    hone_schedule *w = s ? hone_lr_warmup(exponential(o), 3, 0.1) : NULL;
    const bool ok = w && hone_schedule_step(w) == HONE_OK && hone_schedule_step(s) == HONE_OK &&
                    hone_schedule_load_state(w, hone_schedule_state(w)) == HONE_OK;
    hone_schedule_free(s);
    hone_schedule_free(w);
    hone_optim_free(o);
    return ok;
}

Test(schedules, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_them);
}
