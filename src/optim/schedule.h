/* schedule.h: what a schedule is: a hone__schedule_class, and a line in schedule.def. Its options
 * are a public struct with a field table, as an optimizer's. */
#ifndef HONE_OPTIM_SCHEDULE_H
#define HONE_OPTIM_SCHEDULE_H

#include "optim/optim.h"

#include <hone/schedule.h>

typedef struct {
    hone__op is; /* name, options, options_bytes; nothing else of an op */
    /* What the ranges don't say, and what it keeps besides; NULL: nothing. False + an error. */
    bool (*begin)(hone_schedule *s);
    /* The rate of group g at s->count, where the group has `now`. At count 0 it is asked when the
     * schedule is made. */
    double (*rate)(hone_schedule *s, int g, double now);
    /* The first rate, if a sequence comes to it: NULL: the group's initial one. */
    double (*first)(hone_schedule *s, int g);
    /* Looks at a metric before the rates are asked; NULL: it needs none. */
    void (*look)(hone_schedule *s, double metric);
    /* The last count; 0: none. */
    int64_t (*end)(const hone_schedule *s);
} hone__schedule_class;

struct hone_schedule {
    const hone__schedule_class *type;
    hone_optim *optim;
    hone__optim_options options;
    double *last; /* the rate of each group */
    int n_groups;
    int64_t count; /* steps so far; PyTorch's last_epoch */
    int64_t *milestones;
    int n_milestones;
    hone_schedule **parts; /* of a sequence: one more than milestones */
    /* a class's own */
    double best;
    int64_t bad, cooldown;
    bool reduces;
    const char *momentum; /* the option that is cycled; NULL: none */
};

#define HONE_SCHEDULE(name) extern const hone__schedule_class hone__schedule_##name;
#include "optim/schedule.def"
#undef HONE_SCHEDULE

/** A schedule with the options of a user's struct. NULL on error. */
hone_schedule *hone__schedule_new(const hone__schedule_class *type, hone_optim *optim,
                                  const void *options);
/** The same with options that are plain. */
hone_schedule *hone__schedule_new_plain(const hone__schedule_class *type, hone_optim *optim,
                                        const void *plain);

/** The group's rate when its first schedule was made. */
static inline double hone__initial_lr(const hone_schedule *s, int g)
{
    return s->optim->initial_lr[g];
}

/** hone_lr_<name>(). */
#define HONE__SCHEDULE_ENTRY(name)                                                                 \
    hone_schedule *hone_lr_##name(hone_optim *optim, const hone_lr_##name##_options *options)      \
    {                                                                                              \
        return HONE__KNOWS_OPTIONS(#name, options)                                                 \
                   ? hone__schedule_new(&hone__schedule_##name, optim, options)                    \
                   : NULL;                                                                         \
    }

#endif
