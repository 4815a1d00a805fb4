/* optim.h: what an optimizer is: a hone__optim_class, and a line in optim.def.
 *
 * Its options are a public struct with a field table, as an op's: defaults, ranges, messages, text
 * and help come from there. Each group of parameters has a struct of its own. Its state is a few
 * tensors a parameter, of the same shape, that are made when a step first needs them. What
 * all optimizers do alike is in optim.c, groups.c and state.c. */
#ifndef HONE_OPTIM_OPTIM_H
#define HONE_OPTIM_OPTIM_H

#include "core/reserve.h"
#include "op/op.h"

#include <hone/optim.h>

#include <float.h>

enum { HONE__OPTIM_SLOTS = 3 };

/** One step of one parameter. */
typedef struct {
    const void *options; /* of its group */
    hone_tensor *param, *grad;
    hone_tensor *const *state; /* the slots that are used, in their order */
    bool first;                /* they hold zeros (or the initial value) still */
    int64_t count;             /* 1 at a parameter's first step */
    double *number;
} hone__optim_step;

typedef struct {
    hone__op is; /* name, options, options_bytes; nothing else of an op */
    /* Names of the state tensors as in PyTorch ("exp_avg"), NULL after the last one. */
    const char *slots[HONE__OPTIM_SLOTS + 1];
    /* Which of them a step with these options uses, as bits; NULL: all. */
    unsigned (*uses)(const void *options);
    /* What fills a new one; NULL: 0. */
    double (*initial)(const void *options);
    const char *number; /* one more number a parameter, 1 at first ("mu_product"); NULL: none */
    bool counts;        /* the number of steps is part of the state ("step") */
    /* What the ranges don't say: E_VALUE; NULL: nothing. */
    bool (*fits)(const void *options);
    /* False + an error: parameter i can't be stepped; NULL: all can. */
    bool (*takes)(const hone_tensor *param, int i);
    /* Runs without recording and in a scope. */
    hone_status (*step)(const hone__optim_step *s);
} hone__optim_class;

/** A parameter and what is kept for it. */
typedef struct {
    hone_tensor *param;
    hone_tensor *grad; /* of the step that runs */
    hone_tensor *slot[HONE__OPTIM_SLOTS];
    unsigned begun; /* slots that a step has written, as bits */
    int group;
    int64_t count;
    double number;
    int64_t update; /* of hone_optim_in_backward(); 0: none */
} hone__optim_param;

struct hone_optim {
    const hone__optim_class *type;
    hone__optim_param *params;
    void **groups;      /* options of each */
    void *initial;      /* those that it was made with: what later groups begin with */
    double *initial_lr; /* of each group: when its first schedule was made; NaN: there was none */
    int n, n_groups;
    bool in_backward; /* parameters are stepped there */
};

/** Room for any optimizer's options. */
typedef union {
    double aligned;
    char bytes[HONE__OPTIONS_BYTES];
} hone__optim_options;

/** Every optimizer, by the list. */
#define HONE_OPTIM(name) extern const hone__optim_class hone__optim_##name;
#include "optim/optim.def"
#undef HONE_OPTIM

/** What the state of a parameter is of: its dtype, and f32 for one of 16 bits, whose steps are taken in
 * f32 and rounded once, to nearest even. */
static inline hone_dtype hone__optim_state_dtype(const hone_tensor *param)
{
    const hone_dtype dtype = (hone_dtype)param->dtype;
    return hone__is_half(dtype) ? HONE_F32 : dtype;
}

/** The class of that name; NULL: there is none. */
const hone__optim_class *hone__optim_find(const char *name);

/** A number as the public functions take it: 0 is the default, HONE_ZERO is 0. */
static inline double hone__option_number(double value, double otherwise)
{
    return value == 0 ? otherwise : value == HONE_ZERO ? 0.0 : value;
}

/** True if that optimizer has an option of that name. */
bool hone__optim_has(const char *name, const char *option);

/** An optimizer of one group with the options of a user's struct, or NULL. NULL on error. */
hone_optim *hone__optim_new(const hone__optim_class *type, hone_tensor_list params,
                            const void *options);
/** The same with options that are plain: checked, without HONE_ZERO. */
hone_optim *hone__optim_new_plain(const hone__optim_class *type, hone_tensor_list params,
                                  const void *plain);
/** The first for a module's parameters. */
hone_optim *hone__optim_of(const hone__optim_class *type, hone_module *module, const void *options);

/** Parameters and their options, plain and checked by the table, become the last group. */
bool hone__optim_add(hone_optim *optim, hone_tensor_list params, const void *plain);
/** True if there is such a group; else E_INDEX, E_NULL. */
bool hone__optim_has_group(const char *where, const hone_optim *optim, int group);
/** True if the options can be used together; else E_VALUE. */
bool hone__optim_fits(const hone__optim_class *type, const void *plain);
/** The slots that a step with the parameter's options uses, as bits. */
unsigned hone__optim_uses(const hone_optim *optim, const hone__optim_param *param);
/** A step of one parameter, if it has a gradient. */
hone_status hone__optim_step_one(const hone_optim *optim, hone__optim_param *param);
/** Parameters are no longer stepped within the backward. */
void hone__optim_untie(hone_optim *optim);
/** Makes slot k if there is none. False: E_NOMEM. */
bool hone__optim_make_slot(const hone_optim *optim, hone__optim_param *param, int k);

/* ---- tables */

#define HONE__OPTIM_REAL(type, field, standard_, ...)                                              \
    HONE__OPTION(type, field, HONE__OPT_FLOAT, .standard = standard_, __VA_ARGS__)
#define HONE__OPTIM_FLAG(type, field) HONE__OPTION(type, field, HONE__OPT_BOOL)
/* ranges */
#define HONE__AT_LEAST_0 .max = DBL_MAX
#define HONE__BELOW_1    .max = 1, .below_max = true
#define HONE__UP_TO_1    .max = 1
#define HONE__FINITE     .min = -DBL_MAX, .max = DBL_MAX

/** .is of a class. */
#define HONE__OPTIM_IS(name_, table, type)                                                         \
    {                                                                                              \
        .name = name_, .options = table, .options_bytes = sizeof(type)                             \
    }

/** hone_<name>() and hone_<name>_list(). */
#define HONE__OPTIM_ENTRIES(name, type)                                                            \
    hone_optim *hone_##name##_list(hone_tensor_list parameters, const type *options)               \
    {                                                                                              \
        return HONE__KNOWS_OPTIONS(#name, options)                                                 \
                   ? hone__optim_new(&hone__optim_##name, parameters, options)                     \
                   : NULL;                                                                         \
    }                                                                                              \
    hone_optim *hone_##name(hone_module *module, const type *options)                              \
    {                                                                                              \
        return HONE__KNOWS_OPTIONS(#name, options)                                                 \
                   ? hone__optim_of(&hone__optim_##name, module, options)                          \
                   : NULL;                                                                         \
    }

#endif
