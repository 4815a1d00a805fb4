/* schedule.c: what all schedules do alike; sequences. */
#include "optim/schedule.h"
#include "core/core.h"
#include "core/text.h"
#include "op/options.h"
#include "runtime/memory.h"

#include <math.h>
#include <string.h>

/* ---- making and freeing */

void hone_schedule_free(hone_schedule *s)
{
    if (!s)
        return;
    for (int i = 0; s->parts && i <= s->n_milestones; i++)
        hone_schedule_free(s->parts[i]);
    hone__free(s->parts);
    hone__free(s->milestones);
    hone__free(s->last);
    hone__free(s);
}

static hone_schedule *room_for(hone_optim *optim)
{
    hone_schedule *s = hone__calloc(sizeof *s);
    if (!s)
        return NULL;
    s->optim = optim;
    s->n_groups = optim->n_groups;
    s->last = hone__calloc(hone__bytes(s->n_groups, sizeof *s->last));
    if (s->last)
        return s;
    hone_schedule_free(s);
    return NULL;
}

static double group_lr(const hone_schedule *s, int g)
{
    double lr = NAN;
    hone__option_get(&s->optim->type->is, "lr", s->optim->groups[g], &lr);
    return lr;
}

/* Rounding may leave what should be 0 below it. */
static bool put_lr(hone_schedule *s, int g, double lr)
{
    s->last[g] = lr < 0 ? 0 : lr;
    return hone__option_set(&s->optim->type->is, "lr", s->last[g], s->optim->groups[g]);
}

static bool put_rates(hone_schedule *s)
{
    for (int g = 0; g < s->n_groups; g++)
        if (!put_lr(s, g, s->type->rate(s, g, group_lr(s, g))))
            return false;
    return true;
}

hone_schedule *hone__schedule_new_plain(const hone__schedule_class *type, hone_optim *optim,
                                        const void *plain)
{
    if (!optim) {
        hone__error_missing(type->is.name, "an optimizer");
        return NULL;
    }
    hone_schedule *s = room_for(optim);
    if (!s)
        return NULL;
    s->type = type;
    memcpy(&s->options, plain, type->is.options_bytes);
    for (int g = 0; g < s->n_groups; g++)
        if (isnan(optim->initial_lr[g]))
            optim->initial_lr[g] = group_lr(s, g);
    if ((!type->begin || type->begin(s)) && put_rates(s))
        return s;
    hone_schedule_free(s);
    return NULL;
}

hone_schedule *hone__schedule_new(const hone__schedule_class *type, hone_optim *optim,
                                  const void *options)
{
    hone__optim_options plain;
    return hone__options_resolve(&type->is, options, &plain)
               ? hone__schedule_new_plain(type, optim, &plain)
               : NULL;
}

/* ---- by name */

static const hone__schedule_class *const all[] = {
#define HONE_SCHEDULE(name) &hone__schedule_##name,
#include "optim/schedule.def"
#undef HONE_SCHEDULE
};
enum { N_ALL = sizeof all / sizeof *all };

int hone_schedule_kinds(void)
{
    return N_ALL;
}

const char *hone_schedule_kind(int i)
{
    return i >= 0 && i < N_ALL ? all[i]->is.name : NULL;
}

hone_schedule *hone_schedule_by_name(const char *name, hone_optim *optim, const char *options)
{
    hone__optim_options plain;
    char names[160] = "";
    size_t used = 0;
    if (!name) {
        hone__error_missing("schedule_by_name", "a name");
        return NULL;
    }
    for (int i = 0; i < N_ALL; i++) {
        if (strcmp(all[i]->is.name, name) == 0)
            return hone__options_read(&all[i]->is, options, &plain)
                       ? hone__schedule_new_plain(all[i], optim, &plain)
                       : NULL;
        used += (size_t)hone__format(names + used, sizeof names - used, "%s%s",
                                     i == 0          ? ""
                                     : i + 1 < N_ALL ? ", "
                                                     : " or ",
                                     all[i]->is.name);
    }
    hone_error_set(HONE_E_VALUE, "schedule_by_name: there is no schedule \"%.60s\": %s is wanted",
                   name, names);
    return NULL;
}

/* ---- sequences */

/* Which part runs at that count. */
static int part_at(const hone_schedule *s, int64_t count)
{
    int i = 0;
    while (i < s->n_milestones && s->milestones[i] <= count)
        i++;
    return i;
}

/* The part's first rates, from the groups' initial ones. */
static bool begin_part(hone_schedule *part)
{
    part->count = 0;
    for (int g = 0; g < part->n_groups; g++) {
        const double initial = hone__initial_lr(part, g);
        if (!put_lr(part, g, part->type->first ? part->type->first(part, g) : initial))
            return false;
    }
    return true;
}

static bool parts_fit(hone_optim *optim, hone_schedule *const *parts, int n)
{
    for (int i = 0; i < n; i++) {
        if (!parts[i]) {
            hone__error_missing("sequential", "a schedule");
            return false;
        }
        if (!parts[i]->type || parts[i]->type->look) {
            hone_error_set(HONE_E_VALUE, "sequential: part %d is %s, which can't be part of one", i,
                           parts[i]->type ? parts[i]->type->is.name : "a sequence");
            return false;
        }
        if (parts[i]->optim != optim) {
            hone_error_set(HONE_E_VALUE, "sequential: part %d is another optimizer's", i);
            return false;
        }
        for (int k = 0; k < i; k++)
            if (parts[k] == parts[i]) {
                hone_error_set(HONE_E_VALUE, "sequential: part %d is part %d, too", i, k);
                return false;
            }
    }
    return true;
}

static bool milestones_rise(const char *where, const int64_t *milestones, int n, bool strictly)
{
    for (int i = 0; i < n; i++)
        if (milestones[i] < strictly || (i > 0 && milestones[i] < milestones[i - 1] + strictly)) {
            hone_error_set(HONE_E_VALUE, "%s: milestone %d is %lld, but they have to rise", where,
                           i, (long long)milestones[i]);
            return false;
        }
    return true;
}

static hone_schedule *sequence(hone_optim *optim, hone_schedule *const *parts,
                               const int64_t *milestones, int n)
{
    if (!parts_fit(optim, parts, n) || !milestones_rise("sequential", milestones, n - 1, true))
        return NULL;
    hone_schedule *s = room_for(optim);
    if (!s)
        return NULL;
    s->milestones = hone__malloc(hone__bytes(n, sizeof *s->milestones));
    hone_schedule **own = hone__malloc(hone__bytes(n, sizeof *own));
    if (!s->milestones || !own || !begin_part(parts[0])) {
        hone__free(own);
        hone_schedule_free(s);
        return NULL;
    }
    for (int i = 0; i < n - 1; i++)
        s->milestones[i] = milestones[i];
    s->n_milestones = n - 1;
    s->parts = memcpy(own, parts, (size_t)n * sizeof *own);
    memcpy(s->last, parts[0]->last, (size_t)s->n_groups * sizeof *s->last);
    return s;
}

hone_schedule *hone_lr_sequential(hone_optim *optim, hone_schedule *const *schedules,
                                  const int64_t *milestones, int n)
{
    hone_schedule *s = NULL;
    if (!optim || !schedules || (!milestones && n > 1))
        hone__error_missing("sequential", optim ? "an array" : "an optimizer");
    else if (n < 1)
        hone_error_set(HONE_E_VALUE, "sequential: there are no schedules");
    else
        s = sequence(optim, schedules, milestones, n);
    for (int i = 0; !s && schedules && i < n; i++) {
        bool before = false; /* given twice */
        for (int k = 0; k < i; k++)
            before |= schedules[k] == schedules[i];
        if (!before)
            hone_schedule_free(schedules[i]);
    }
    return s;
}

hone_schedule *hone_lr_warmup(hone_schedule *then, int64_t steps, double start_factor)
{
    if (!then) {
        hone__error_missing("warmup", "a schedule");
        return NULL;
    }
    const hone_lr_linear_options o = { .start_factor = start_factor, .total_iters = steps };
    hone_schedule *parts[] = { NULL, then };
    if (steps < 1)
        hone_error_set(HONE_E_VALUE, "warmup: %lld steps", (long long)steps);
    else if (!(parts[0] = hone_lr_linear(then->optim, &o)))
        steps = 0;
    if (parts[0])
        return hone_lr_sequential(then->optim, parts, &steps, 2);
    hone_schedule_free(then);
    return NULL;
}

/* ---- going on */

static hone_status advance(hone_schedule *s, double metric)
{
    const int64_t end = s->type->end ? s->type->end(s) : 0;
    if (end > 0 && s->count >= end)
        return hone_error_set(HONE_E_STATE, "%s: all of its %lld steps are done", s->type->is.name,
                              (long long)end);
    s->count++;
    if (s->type->look)
        s->type->look(s, metric);
    return put_rates(s) ? HONE_OK : hone__error_last();
}

static hone_status advance_sequence(hone_schedule *s)
{
    const int64_t next = s->count + 1;
    const int i = part_at(s, next);
    const bool begins = i > 0 && s->milestones[i - 1] == next;
    hone_status status = HONE_OK;
    if (!begins)
        status = advance(s->parts[i], 0);
    else if (!begin_part(s->parts[i]))
        status = hone__error_last();
    if (status != HONE_OK)
        return status;
    s->count = next;
    memcpy(s->last, s->parts[i]->last, (size_t)s->n_groups * sizeof *s->last);
    return HONE_OK;
}

static hone_status go_on(const char *where, hone_schedule *s, double metric)
{
    if (!s)
        return hone__error_missing(where, "a schedule");
    if (s->n_groups != s->optim->n_groups)
        return hone_error_set(HONE_E_STATE,
                              "%s: the schedule was made for %d groups, the optimizer has %d",
                              where, s->n_groups, s->optim->n_groups);
    return s->parts ? advance_sequence(s) : advance(s, metric);
}

hone_status hone_schedule_step(hone_schedule *s)
{
    if (s && s->type && s->type->look)
        return hone_error_set(HONE_E_STATE,
                              "schedule_step: %s wants a metric: hone_schedule_step_metric",
                              s->type->is.name);
    return go_on("schedule_step", s, 0);
}

hone_status hone_schedule_step_metric(hone_schedule *s, double metric)
{
    return go_on("schedule_step_metric", s, metric);
}

double hone_schedule_last_lr(const hone_schedule *s, int group)
{
    if (!s)
        hone__error_missing("schedule_last_lr", "a schedule");
    else if (group < 0 || group >= s->n_groups)
        hone_error_set(HONE_E_INDEX, "schedule_last_lr: there is no group %d (0 to %d)", group,
                       s->n_groups - 1);
    else
        return s->last[group];
    return NAN;
}

/* ---- the kind with a list */

typedef struct {
    hone__shape milestones; /* from text */
    double gamma;
} multistep_options;

static const hone__option multistep_table[] = {
    HONE__OPTION(multistep_options, milestones, HONE__OPT_DIMS, .required = true, .min = 0,
                 .max = DBL_MAX),
    HONE__OPTIM_REAL(multistep_options, gamma, 0.1, HONE__AT_LEAST_0),
    { 0 },
};

static bool take_milestones(hone_schedule *s, const int64_t *milestones, int n)
{
    if (!milestones_rise("multistep", milestones, n, false))
        return false;
    s->milestones = hone__malloc(hone__bytes((int64_t)n + 1, sizeof *s->milestones));
    for (int i = 0; s->milestones && i < n; i++)
        s->milestones[i] = milestones[i];
    s->n_milestones = n;
    return s->milestones != NULL;
}

static bool multistep_begin(hone_schedule *s)
{
    const multistep_options *o = (const void *)&s->options;
    return take_milestones(s, o->milestones.shape, o->milestones.ndim);
}

static double multistep_rate(hone_schedule *s, int g, double now)
{
    (void)g;
    const multistep_options *o = (const void *)&s->options;
    double factor = 1;
    for (int i = 0; i < s->n_milestones; i++)
        if (s->milestones[i] == s->count)
            factor *= o->gamma;
    return now * factor;
}

static double multistep_first(hone_schedule *s, int g)
{
    return multistep_rate(s, g, hone__initial_lr(s, g));
}

const hone__schedule_class hone__schedule_multistep = {
    .is = HONE__OPTIM_IS("multistep", multistep_table, multistep_options),
    .begin = multistep_begin,
    .rate = multistep_rate,
    .first = multistep_first,
};

hone_schedule *hone_lr_multistep(hone_optim *optim, const int64_t *milestones, int n, double gamma)
{
    multistep_options o = { .gamma = hone__option_number(gamma, 0.1) };
    if (n < 0 || (!milestones && n > 0)) {
        hone__error_missing("multistep", "an array");
        return NULL;
    }
    if (!hone__option_set(&hone__schedule_multistep.is, "gamma", o.gamma, &o) ||
        !milestones_rise("multistep", milestones, n, false))
        return NULL;
    hone_schedule *s = hone__schedule_new_plain(&hone__schedule_multistep, optim, &o);
    if (!s)
        return NULL;
    hone__free(s->milestones);
    s->milestones = NULL;
    s->n_milestones = 0;
    if (take_milestones(s, milestones, n) && put_rates(s))
        return s;
    hone_schedule_free(s);
    return NULL;
}
