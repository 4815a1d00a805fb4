/* optim.h: what every optimizer begins with. */
#ifndef HONE_OPTIM_OPTIM_H
#define HONE_OPTIM_OPTIM_H

#include <hone/optim.h>

/* Numbers that a program may change between steps. */
typedef enum { HONE__LR, HONE__MOMENTUM, HONE__WEIGHT_DECAY, HONE__NUMBERS } hone__number;

typedef struct {
    const char *name; /* "sgd" */
    size_t size;
    /* One step; the caller has opened a scope and switched recording off. */
    hone_status (*step)(hone_optim *optim);
    /* Frees the optimizer's own state; NULL: it has none. */
    void (*destroy)(hone_optim *optim);
    /* True if its numbers can be used; else E_VALUE that says which can't. */
    bool (*fits)(const hone_optim *optim);
    size_t numbers[HONE__NUMBERS]; /* where each is in its struct; 0: it has none */
} hone__optim_class;

struct hone_optim {
    const hone__optim_class *type;
    hone_tensor **params;
    int n;
    double lr;
};

/** A zeroed optimizer of type->size bytes that holds the parameters; NULL on error (E_VALUE,
 * E_DTYPE, E_STATE, E_NULL, E_NOMEM, in the name of the type). */
void *hone__optim_new(const hone__optim_class *type, hone_tensor_list params, double lr);

/** *grad = what a step moves the parameter by, borrowed; NULL: it has no gradient or requires none,
 * and the step leaves it and its state alone. False: E_NOMEM. */
bool hone__optim_grad(hone_tensor *param, hone_tensor **grad);

/** An option's value: 0 is the default, HONE_ZERO is 0. */
static inline double hone__option(double value, double otherwise)
{
    return value == 0 ? otherwise : value == HONE_ZERO ? 0.0 : value;
}

/** True if the number is finite and not negative; else E_VALUE that names optimizer and option. */
bool hone__option_fits(const char *optimizer, const char *option, double value);

#endif
