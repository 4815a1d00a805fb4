/* schedule_plateau.c: a smaller rate when a metric gets no better. */
#include "optim/schedule.h"

#include <math.h>

typedef hone_lr_plateau_options plateau;

static const hone__option table[] = {
    HONE__OPTIM_REAL(plateau, factor, 0.1, HONE__BELOW_1),
    HONE__OPTIM_REAL(plateau, patience, 10, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(plateau, threshold, 1e-4, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(plateau, min_lr, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(plateau, eps, 1e-8, HONE__AT_LEAST_0),
    HONE__OPTION(plateau, cooldown, HONE__OPT_INT, .max = 0x1p53),
    HONE__OPTIM_FLAG(plateau, mode_max),
    HONE__OPTIM_FLAG(plateau, threshold_abs),
    { 0 },
};

static const plateau *options_of(const hone_schedule *s)
{
    return (const void *)&s->options;
}

static bool begin(hone_schedule *s)
{
    s->best = options_of(s)->mode_max ? -INFINITY : INFINITY;
    return true;
}

static bool is_better(const hone_schedule *s, double metric)
{
    const plateau *o = options_of(s);
    const double scale = o->threshold_abs ? 1 : fabs(s->best);
    const double by = isinf(s->best) ? 0 : o->threshold * scale;
    return o->mode_max ? metric > s->best + by : metric < s->best - by;
}

static void look(hone_schedule *s, double metric)
{
    const plateau *o = options_of(s);
    if (is_better(s, metric)) {
        s->best = metric;
        s->bad = 0;
    } else {
        s->bad++;
    }
    if (s->cooldown > 0) {
        s->cooldown--;
        s->bad = 0;
    }
    s->reduces = (double)s->bad > o->patience;
    if (s->reduces) {
        s->cooldown = o->cooldown;
        s->bad = 0;
    }
}

static double rate(hone_schedule *s, int g, double now)
{
    const plateau *o = options_of(s);
    const double less = now * o->factor > o->min_lr ? now * o->factor : o->min_lr;
    (void)g;
    return s->reduces && now - less > o->eps ? less : now;
}

const hone__schedule_class hone__schedule_plateau = {
    .is = HONE__OPTIM_IS("plateau", table, plateau),
    .begin = begin,
    .rate = rate,
    .look = look,
};
HONE__SCHEDULE_ENTRY(plateau)
