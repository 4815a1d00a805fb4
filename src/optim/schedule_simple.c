/* schedule_simple.c: schedules that go on from the rate which stands in the group, as PyTorch's, so
 * that two of them multiply and a rate set by hand stays in effect. */
#include "loops/scalar.h"
#include "optim/schedule.h"

#define PI 3.14159265358979323846

#define STEPS(type, field, standard_, ...)                                                         \
    HONE__OPTION(type, field, HONE__OPT_INT, .standard = standard_, .min = 1, .max = 0x1p53,       \
                 __VA_ARGS__)
#define OPTIONS(s, name) ((const hone_lr_##name##_options *)(const void *)&(s)->options)

static double stays(hone_schedule *s, int g, double now)
{
    (void)s, (void)g;
    return now;
}

/* ---- step: times gamma every step_size steps */

static const hone__option step_table[] = {
    STEPS(hone_lr_step_options, step_size, 0, .required = true),
    HONE__OPTIM_REAL(hone_lr_step_options, gamma, 0.1, HONE__AT_LEAST_0),
    { 0 },
};

static double step_rate(hone_schedule *s, int g, double now)
{
    const hone_lr_step_options *o = OPTIONS(s, step);
    return s->count == 0 || s->count % o->step_size != 0 ? stays(s, g, now) : now * o->gamma;
}

const hone__schedule_class hone__schedule_step = {
    .is = HONE__OPTIM_IS("step", step_table, hone_lr_step_options),
    .rate = step_rate,
};
HONE__SCHEDULE_ENTRY(step)

/* ---- exponential: times gamma every step */

static const hone__option exponential_table[] = {
    HONE__OPTIM_REAL(hone_lr_exponential_options, gamma, 0, HONE__AT_LEAST_0, .required = true),
    { 0 },
};

static double exponential_rate(hone_schedule *s, int g, double now)
{
    return s->count == 0 ? stays(s, g, now) : now * OPTIONS(s, exponential)->gamma;
}

const hone__schedule_class hone__schedule_exponential = {
    .is = HONE__OPTIM_IS("exponential", exponential_table, hone_lr_exponential_options),
    .rate = exponential_rate,
};
HONE__SCHEDULE_ENTRY(exponential)

/* ---- constant: a factor for total_iters steps */

static const hone__option constant_table[] = {
    HONE__OPTIM_REAL(hone_lr_constant_options, factor, 1. / 3, HONE__UP_TO_1),
    STEPS(hone_lr_constant_options, total_iters, 5),
    { 0 },
};

static double constant_rate(hone_schedule *s, int g, double now)
{
    const hone_lr_constant_options *o = OPTIONS(s, constant);
    if (s->count == 0)
        return now * o->factor;
    if (s->count != o->total_iters)
        return now;
    return o->factor == 0 ? hone__initial_lr(s, g) : now * (1 / o->factor);
}

static double constant_first(hone_schedule *s, int g)
{
    return hone__initial_lr(s, g) * OPTIONS(s, constant)->factor;
}

const hone__schedule_class hone__schedule_constant = {
    .is = HONE__OPTIM_IS("constant", constant_table, hone_lr_constant_options),
    .rate = constant_rate,
    .first = constant_first,
};
HONE__SCHEDULE_ENTRY(constant)

/* ---- linear: from one factor to another in total_iters steps */

static const hone__option linear_table[] = {
    HONE__OPTIM_REAL(hone_lr_linear_options, start_factor, 1. / 3, .min = DBL_MIN, .max = 1),
    HONE__OPTIM_REAL(hone_lr_linear_options, end_factor, 1, HONE__UP_TO_1),
    STEPS(hone_lr_linear_options, total_iters, 5),
    { 0 },
};

static double linear_rate(hone_schedule *s, int g, double now)
{
    (void)g;
    const hone_lr_linear_options *o = OPTIONS(s, linear);
    const double slope = o->end_factor - o->start_factor;
    if (s->count == 0)
        return now * o->start_factor;
    if (s->count > o->total_iters)
        return now;
    return now * (1 + slope / ((double)o->total_iters * o->start_factor +
                               (double)(s->count - 1) * slope));
}

static double linear_first(hone_schedule *s, int g)
{
    return hone__initial_lr(s, g) * OPTIONS(s, linear)->start_factor;
}

const hone__schedule_class hone__schedule_linear = {
    .is = HONE__OPTIM_IS("linear", linear_table, hone_lr_linear_options),
    .rate = linear_rate,
    .first = linear_first,
};
HONE__SCHEDULE_ENTRY(linear)

/* ---- polynomial: (1 - t / total_iters)^power */

static const hone__option polynomial_table[] = {
    STEPS(hone_lr_polynomial_options, total_iters, 5),
    HONE__OPTIM_REAL(hone_lr_polynomial_options, power, 1, HONE__AT_LEAST_0),
    { 0 },
};

static double polynomial_rate(hone_schedule *s, int g, double now)
{
    (void)g;
    const hone_lr_polynomial_options *o = OPTIONS(s, polynomial);
    const double t = (double)s->count, all = (double)o->total_iters;
    if (s->count == 0 || s->count > o->total_iters)
        return now;
    return now * hone__scalar_pow((1 - t / all) / (1 - (t - 1) / all), o->power);
}

const hone__schedule_class hone__schedule_polynomial = {
    .is = HONE__OPTIM_IS("polynomial", polynomial_table, hone_lr_polynomial_options),
    .rate = polynomial_rate,
};
HONE__SCHEDULE_ENTRY(polynomial)

/* ---- cosine: from the initial rate to eta_min in t_max steps, and back */

static const hone__option cosine_table[] = {
    STEPS(hone_lr_cosine_options, t_max, 0, .required = true),
    HONE__OPTIM_REAL(hone_lr_cosine_options, eta_min, 0, HONE__AT_LEAST_0),
    { 0 },
};

static double cosine_rate(hone_schedule *s, int g, double now)
{
    const hone_lr_cosine_options *o = OPTIONS(s, cosine);
    const double t = (double)s->count, all = (double)o->t_max;
    if (s->count == 0)
        return now;
    if ((s->count - 1 - o->t_max) % (2 * o->t_max) == 0)
        return now + (hone__initial_lr(s, g) - o->eta_min) * (1 - hone__scalar_cos(PI / all)) / 2;
    return (1 + hone__scalar_cos(PI * t / all)) / (1 + hone__scalar_cos(PI * (t - 1) / all)) *
               (now - o->eta_min) +
           o->eta_min;
}

const hone__schedule_class hone__schedule_cosine = {
    .is = HONE__OPTIM_IS("cosine", cosine_table, hone_lr_cosine_options),
    .rate = cosine_rate,
};
HONE__SCHEDULE_ENTRY(cosine)

/* ---- cosine_restarts: from the initial rate to eta_min, again and again, each time t_mult times as
 * long */

static const hone__option cosine_restarts_table[] = {
    STEPS(hone_lr_cosine_restarts_options, t_0, 0, .required = true),
    STEPS(hone_lr_cosine_restarts_options, t_mult, 1),
    HONE__OPTIM_REAL(hone_lr_cosine_restarts_options, eta_min, 0, HONE__AT_LEAST_0),
    { 0 },
};

/* Where in which cycle the count is. */
static double cosine_restarts_rate(hone_schedule *s, int g, double now)
{
    (void)now;
    const hone_lr_cosine_restarts_options *o = OPTIONS(s, cosine_restarts);
    int64_t at = s->count, cycle = o->t_0, longer;
    if (o->t_mult == 1)
        at %= cycle;
    while (at >= cycle) {
        at -= cycle;
        if (__builtin_mul_overflow(cycle, o->t_mult, &longer))
            longer = INT64_MAX;
        cycle = longer;
    }
    return o->eta_min + (hone__initial_lr(s, g) - o->eta_min) *
                            (1 + hone__scalar_cos(PI * (double)at / (double)cycle)) / 2;
}

const hone__schedule_class hone__schedule_cosine_restarts = {
    .is = HONE__OPTIM_IS("cosine_restarts", cosine_restarts_table, hone_lr_cosine_restarts_options),
    .rate = cosine_restarts_rate,
};
HONE__SCHEDULE_ENTRY(cosine_restarts)
