/* schedule_cycle.c: one cycle of rate and momentum. */
#include "core/core.h"
#include "loops/scalar.h"
#include "op/options.h"
#include "optim/schedule.h"

#define PI 3.14159265358979323846

typedef hone_lr_one_cycle_options one_cycle;

static const hone__option table[] = {
    HONE__OPTIM_REAL(one_cycle, max_lr, 0, HONE__AT_LEAST_0, .required = true),
    HONE__OPTION(one_cycle, total_steps, HONE__OPT_INT, .required = true, .min = 1, .max = 0x1p53),
    HONE__OPTIM_REAL(one_cycle, pct_start, 0.3, HONE__UP_TO_1),
    HONE__OPTIM_REAL(one_cycle, base_momentum, 0.85, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(one_cycle, max_momentum, 0.95, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(one_cycle, div_factor, 25, .min = DBL_MIN, .max = DBL_MAX),
    HONE__OPTIM_REAL(one_cycle, final_div_factor, 1e4, .min = DBL_MIN, .max = DBL_MAX),
    HONE__OPTIM_FLAG(one_cycle, linear),
    HONE__OPTIM_FLAG(one_cycle, three_phase),
    HONE__OPTIM_FLAG(one_cycle, no_cycle_momentum),
    { 0 },
};

static const one_cycle *options_of(const hone_schedule *s)
{
    return (const void *)&s->options;
}

static bool begin(hone_schedule *s)
{
    const one_cycle *o = options_of(s);
    const hone__op *is = &s->optim->type->is;
    double value;
    if (!o->no_cycle_momentum)
        s->momentum = hone__option_get(is, "momentum", s->optim->groups[0], &value) ? "momentum"
                      : hone__option_get(is, "beta1", s->optim->groups[0], &value)  ? "beta1"
                                                                                    : NULL;
    if (!o->no_cycle_momentum && !s->momentum) {
        hone_error_set(HONE_E_VALUE,
                       "one_cycle: %s has no momentum or beta1 to cycle: no_cycle_momentum is "
                       "wanted",
                       is->name);
        return false;
    }
    for (int g = 0; g < s->n_groups; g++)
        s->optim->initial_lr[g] = o->max_lr / o->div_factor;
    return true;
}

/* A phase goes from one end to the other; the first begins at 0. */
typedef enum { LOW, HIGH, LAST } level;

typedef struct {
    double end;
    level from, to;
} phase;

static int phases_of(const one_cycle *o, phase *phases)
{
    const double n = (double)o->total_steps, first = o->pct_start * n - 1;
    int count = 0;
    phases[count++] = (phase){ first, LOW, HIGH };
    if (o->three_phase)
        phases[count++] = (phase){ 2 * o->pct_start * n - 2, HIGH, LOW };
    phases[count++] = (phase){ n - 1, o->three_phase ? LOW : HIGH, LAST };
    return count;
}

static double rate_at(const one_cycle *o, level at)
{
    const double low = o->max_lr / o->div_factor;
    return at == LOW ? low : at == HIGH ? o->max_lr : low / o->final_div_factor;
}

static double momentum_at(const one_cycle *o, level at)
{
    return at == HIGH ? o->base_momentum : o->max_momentum;
}

static double between(const one_cycle *o, double from, double to, double part)
{
    return o->linear ? (to - from) * part + from
                     : to + (from - to) / 2 * (hone__scalar_cos(PI * part) + 1);
}

static double rate(hone_schedule *s, int g, double now)
{
    (void)now;
    const one_cycle *o = options_of(s);
    const double t = (double)s->count;
    phase phases[3];
    const int n = phases_of(o, phases);
    double begins = 0;
    int i = 0;
    while (i < n - 1 && t > phases[i].end)
        begins = phases[i++].end;
    const phase p = phases[i];
    const double part = p.end == begins ? 1 : (t - begins) / (p.end - begins);
    if (s->momentum) {
        const double m = between(o, momentum_at(o, p.from), momentum_at(o, p.to), part);
        hone__option_set(&s->optim->type->is, s->momentum, m, s->optim->groups[g]);
    }
    return between(o, rate_at(o, p.from), rate_at(o, p.to), part);
}

static double first(hone_schedule *s, int g)
{
    return rate(s, g, 0);
}

static int64_t end(const hone_schedule *s)
{
    return options_of(s)->total_steps;
}

const hone__schedule_class hone__schedule_one_cycle = {
    .is = HONE__OPTIM_IS("one_cycle", table, one_cycle),
    .begin = begin,
    .rate = rate,
    .first = first,
    .end = end,
};
HONE__SCHEDULE_ENTRY(one_cycle)
