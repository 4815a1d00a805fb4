/* muon.c: momentum whose singular values are brought near 1 by Newton-Schulz steps. */
#include "core/core.h"
#include "ops/optimize.h"
#include "optim/optim.h"

#include <hone/ops.h>

#include <math.h>

typedef hone_muon_options muon;

static const hone__option table[] = {
    HONE__OPTIM_REAL(muon, lr, 0.001, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(muon, momentum, 0.95, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(muon, weight_decay, 0.1, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(muon, ns_a, 3.4445, HONE__FINITE),
    HONE__OPTIM_REAL(muon, ns_b, -4.775, HONE__FINITE),
    HONE__OPTIM_REAL(muon, ns_c, 2.0315, HONE__FINITE),
    HONE__OPTIM_REAL(muon, eps, 1e-7, HONE__AT_LEAST_0),
    HONE__OPTION(muon, ns_steps, HONE__OPT_INT, .standard = 5, .min = 1, .max = 99),
    HONE__OPTIM_FLAG(muon, no_nesterov),
    HONE__OPTIM_FLAG(muon, match_rms_adamw),
    { 0 },
};

static bool takes(const hone_tensor *param, int i)
{
    if (param->ndim == 2)
        return true;
    hone_error_set(HONE_E_SHAPE,
                   "muon: parameter %d is %s, but 2 dims are wanted: another optimizer has to take "
                   "biases, embeddings and the like",
                   i, hone__tensor_text(param).s);
    return false;
}

/* x (c (x^T x)^2 + b x^T x + a), from the side where x has fewer rows. */
static hone_tensor *newton_schulz(hone_tensor *x, const muon *o)
{
    HONE_SCOPE();
    hone_tensor *gram = hone_matmul(x, hone_transpose(x, 0, 1));
    hone_tensor *square = hone_mul_scalar_(hone_matmul(gram, gram), o->ns_c);
    hone_tensor *factor = hone_add_(square, hone_mul_scalar(gram, o->ns_b));
    return hone_scope_return(hone_add_(hone_matmul(factor, x), hone_mul_scalar(x, o->ns_a)));
}

/* The direction with singular values near 1, or 0 where it is 0. */
static hone_tensor *even_out(hone_tensor *direction, const muon *o)
{
    const bool is_high = direction->shape[0] > direction->shape[1];
    hone_tensor *x = is_high ? hone_transpose(direction, 0, 1) : direction;
    hone_tensor *norm = hone_sqrt(hone_sum(hone_square(x)));
    x = hone_div(x, hone_maximum_scalar(norm, o->eps));
    for (int64_t i = 0; i < o->ns_steps; i++)
        x = newton_schulz(x, o);
    return is_high ? hone_transpose(x, 0, 1) : x;
}

static double adjusted(const muon *o, const hone_tensor *param)
{
    const double rows = (double)param->shape[0], cols = (double)param->shape[1];
    const double larger = rows > cols ? rows : cols;
    return o->lr * (o->match_rms_adamw ? 0.2 * sqrt(larger) : rows > cols ? sqrt(rows / cols) : 1);
}

static hone_status step(const hone__optim_step *s)
{
    HONE_SCOPE();
    const muon *o = s->options;
    if (s->param->numel == 0)
        return HONE_OK;
    hone_tensor *direction = hone_empty_like(s->param);
    const hone__muon_args args = { .momentum = o->momentum, .nesterov = !o->no_nesterov };
    if (!direction || hone__muon_step(direction, s->grad, s->state, &args) != HONE_OK)
        return hone__error_last();
    direction = even_out(direction, o);
    const double rate = adjusted(o, s->param);
    if (!direction || rate == 0)
        return direction ? HONE_OK : hone__error_last();
    /* p (1 - lr weight_decay) - rate direction */
    return hone__sgd_step(
        s->param, direction, NULL,
        &(hone__sgd_args){ .lr = rate, .weight_decay = o->lr * o->weight_decay / rate });
}

const hone__optim_class hone__optim_muon = {
    .is = HONE__OPTIM_IS("muon", table, muon),
    .slots = { "momentum_buffer" },
    .takes = takes,
    .step = step,
};

HONE__OPTIM_ENTRIES(muon, hone_muon_options)
