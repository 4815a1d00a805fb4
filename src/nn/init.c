/* init.c: initial values by distribution, and by the fans of a weight. */
#include <hone/init.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/init.h"
#include "runtime/fpmode.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

/* ---- what all do */

bool hone__init_takes(const char *name, hone_tensor *t)
{
    if (!hone__needs_tensor(name, t))
        return false;
    if (hone_dtype_is_float(hone_dtype_of(t)))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: %s (a float is wanted)", name, hone__tensor_text(t).s);
    return false;
}

/* Draws come from `generator` while fn runs. */
static hone_tensor *drawn(hone_tensor *t, hone_generator *generator,
                          hone_tensor *(*fn)(hone_tensor *t, const double *numbers),
                          const double *numbers)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    HONE__FP_GUARD();
    hone_generator *before = hone__draw_from(generator);
    hone_tensor *values = fn(t, numbers);
    hone__draw_from(before);
    return values ? hone_copy_(t, values) : NULL;
}

hone_tensor *hone__init_drawn(hone_tensor *t, hone_generator *generator,
                              hone_tensor *(*fn)(hone_tensor *t, const double *numbers),
                              const double *numbers)
{
    return drawn(t, generator, fn, numbers);
}

static bool is_finite(const char *name, const char *what, double value)
{
    if (isfinite(value))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %s is %g, but a finite number is wanted", name, what, value);
    return false;
}

/* ---- distributions */

static hone_tensor *uniform_values(hone_tensor *t, const double *ab)
{
    return hone_add_scalar_(hone_mul_scalar_(hone_rand_like(t), ab[1] - ab[0]), ab[0]);
}

static hone_tensor *uniform_in(const char *name, hone_tensor *t, double a, double b,
                               hone_generator *generator)
{
    if (!hone__init_takes(name, t) || !is_finite(name, "a", a) || !is_finite(name, "b", b))
        return NULL;
    if (a <= b)
        return drawn(t, generator, uniform_values, (const double[]){ a, b });
    hone_error_set(HONE_E_VALUE, "%s: a is %g, but no more than b, %g, is wanted", name, a, b);
    return NULL;
}

hone_tensor *hone_init_uniform_(hone_tensor *t, double a, double b, hone_generator *generator)
{
    return uniform_in("init_uniform_", t, a, b, generator);
}

static hone_tensor *normal_values(hone_tensor *t, const double *mean_std)
{
    return hone_add_scalar_(hone_mul_scalar_(hone_randn_like(t), mean_std[1]), mean_std[0]);
}

static bool is_deviation(const char *name, double std)
{
    if (std >= 0 && isfinite(std))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: std is %g, but 0 or more is wanted", name, std);
    return false;
}

static hone_tensor *normal_of(const char *name, hone_tensor *t, double mean, double std,
                              hone_generator *generator)
{
    return hone__init_takes(name, t) && is_finite(name, "mean", mean) && is_deviation(name, std)
               ? drawn(t, generator, normal_values, (const double[]){ mean, std })
               : NULL;
}

hone_tensor *hone_init_normal_(hone_tensor *t, double mean, double std, hone_generator *generator)
{
    return normal_of("init_normal_", t, mean, std, generator);
}

/* ---- truncated: numbers are proposed until each place has taken one */

typedef struct {
    double low, high; /* in units of the deviation */
    double nearest;   /* of them and what is between to the mean */
    bool normal;      /* normal numbers are proposed, else even ones between low and high */
} range;

static range range_of(double low, double high)
{
    range r = { .low = low, .high = high, .normal = low <= -0.5 && high >= 0.5 };
    r.nearest = low > 0 ? low : high < 0 ? high : 0;
    /* What is farther has a probability below e^-40. */
    const double far = sqrt(r.nearest * r.nearest + 80);
    r.low = low < -far ? -far : low;
    r.high = high > far ? far : high;
    return r;
}

/* Numbers, and which of them are taken. */
static hone_tensor *propose(hone_tensor *t, const range *r, hone_tensor **taken)
{
    if (r->normal) {
        hone_tensor *z = hone_randn_like(t);
        *taken = hone_mul(hone_ge_scalar(z, r->low), hone_le_scalar(z, r->high));
        return z;
    }
    hone_tensor *z = uniform_values(t, (const double[]){ r->low, r->high });
    hone_tensor *square = hone_sub_scalar_(hone_square(z), r->nearest * r->nearest);
    *taken = hone_lt(hone_rand_like(t), hone_exp(hone_mul_scalar_(square, -0.5)));
    return z;
}

/* All that were proposed last are taken in the end: that happens once in e^20 or more. */
enum { MOST_ROUNDS = 4000 };

/* Until every place has its number, or most rounds are over. False: an error is pending. */
static bool take_numbers(hone_tensor *t, const range *r, hone_tensor **values, hone_tensor **taken)
{
    double all = 0;
    for (int round = 0; all == 0 && round < MOST_ROUNDS; round++) {
        HONE_SCOPE();
        hone_tensor *more, *z = propose(t, r, &more);
        if (round > 0) {
            z = hone_where(*taken, *values, z);
            more = hone_maximum(*taken, more);
        }
        if (!z || !more || hone_assign(values, z) != HONE_OK || hone_assign(taken, more) != HONE_OK)
            return false;
        all = hone_item(hone_min(more)); /* NaN: failed */
    }
    return !isnan(all);
}

static hone_tensor *truncated_values(hone_tensor *t, const double *n)
{
    const double mean = n[0], std = n[1], a = n[2], b = n[3];
    const range r = range_of((a - mean) / std, (b - mean) / std);
    hone_tensor *values = NULL, *taken = NULL, *cut = NULL;
    if (hone_numel(t) == 0)
        return hone_zeros_like(t);
    if (take_numbers(t, &r, &values, &taken)) {
        hone_tensor *scaled = hone_add_scalar(hone_mul_scalar(values, std), mean);
        cut = hone_maximum_scalar(hone_minimum_scalar(scaled, b), a);
    }
    hone_release(values);
    hone_release(taken);
    return cut;
}

hone_tensor *hone_init_trunc_normal_(hone_tensor *t, double mean, double std, double a, double b,
                                     hone_generator *generator)
{
    const char *const name = "init_trunc_normal_";
    if (!hone__init_takes(name, t) || !is_finite(name, "mean", mean))
        return NULL;
    if (!(std > 0) || !isfinite(std))
        hone_error_set(HONE_E_VALUE, "%s: std is %g, but more than 0 is wanted", name, std);
    else if (!(a <= b) || a == INFINITY || b == -INFINITY)
        hone_error_set(HONE_E_VALUE, "%s: a is %g, but no more than b, %g, is wanted", name, a, b);
    else
        return drawn(t, generator, truncated_values, (const double[]){ mean, std, a, b });
    return NULL;
}

/* ---- constants */

hone_tensor *hone__init_fill(const char *name, hone_tensor *t, double value)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return hone__init_takes(name, t) ? hone_copy_(t, hone_scalar(hone_dtype_of(t), value)) : NULL;
}

hone_tensor *hone_init_constant_(hone_tensor *t, double value)
{
    return hone__init_fill("init_constant_", t, value);
}

hone_tensor *hone_init_zeros_(hone_tensor *t)
{
    return hone__init_fill("init_zeros_", t, 0);
}

hone_tensor *hone_init_ones_(hone_tensor *t)
{
    return hone__init_fill("init_ones_", t, 1);
}

/* ---- fans */

static bool fans_of(const char *name, hone_tensor *t, double *in, double *out)
{
    if (!hone__init_takes(name, t))
        return false;
    if (hone_dim(t) < 2) {
        hone_error_set(HONE_E_SHAPE, "%s: %s has no fans (2 dims or more are wanted)", name,
                       hone__tensor_text(t).s);
        return false;
    }
    double field = 1;
    for (int d = 2; d < hone_dim(t); d++)
        field *= (double)hone_size(t, d);
    *in = (double)hone_size(t, 1) * field;
    *out = (double)hone_size(t, 0) * field;
    return true;
}

double hone_init_calculate_gain(const char *nonlinearity, double param)
{
    static const struct {
        const char *name;
        double gain;
    } gains[] = {
        { "linear", 1 },           { "conv1d", 1 },           { "conv2d", 1 },
        { "conv3d", 1 },           { "conv_transpose1d", 1 }, { "conv_transpose2d", 1 },
        { "conv_transpose3d", 1 }, { "sigmoid", 1 },          { "tanh", 5. / 3 },
        { "selu", 3. / 4 },
    };
    if (!nonlinearity) {
        hone__error_missing("init_calculate_gain", "a nonlinearity");
        return NAN;
    }
    for (size_t i = 0; i < sizeof gains / sizeof *gains; i++)
        if (strcmp(nonlinearity, gains[i].name) == 0)
            return gains[i].gain;
    if (strcmp(nonlinearity, "relu") == 0)
        return sqrt(2);
    if (strcmp(nonlinearity, "leaky_relu") == 0) {
        const double slope = param == 0 ? 0.01 : param == HONE_ZERO ? 0 : param;
        return is_finite("init_calculate_gain", "param", slope) ? sqrt(2 / (1 + slope * slope))
                                                                : NAN;
    }
    hone_error_set(HONE_E_VALUE,
                   "init_calculate_gain: there is no gain of \"%.40s\" (linear, conv1d .. conv3d, "
                   "conv_transpose1d .. conv_transpose3d, sigmoid, tanh, relu, leaky_relu or selu "
                   "is wanted)",
                   nonlinearity);
    return NAN;
}

static double gain_or_1(double gain)
{
    return gain == 0 ? 1 : gain == HONE_ZERO ? 0 : gain;
}

hone_tensor *hone_init_xavier_uniform_(hone_tensor *t, double gain, hone_generator *generator)
{
    double in, out;
    const char *const name = "init_xavier_uniform_";
    if (!fans_of(name, t, &in, &out) || !is_finite(name, "gain", gain))
        return NULL;
    const double bound = in + out > 0 ? fabs(gain_or_1(gain)) * sqrt(6 / (in + out)) : 0;
    return uniform_in(name, t, -bound, bound, generator);
}

hone_tensor *hone_init_xavier_normal_(hone_tensor *t, double gain, hone_generator *generator)
{
    double in, out;
    const char *const name = "init_xavier_normal_";
    if (!fans_of(name, t, &in, &out) || !is_finite(name, "gain", gain))
        return NULL;
    const double std = in + out > 0 ? fabs(gain_or_1(gain)) * sqrt(2 / (in + out)) : 0;
    return normal_of(name, t, 0, std, generator);
}

/* gain / sqrt(fan); 0 if there is no fan. False + an error. */
static bool kaiming_std(const char *name, hone_tensor *t, const hone_init_kaiming_options *options,
                        double *std)
{
    const hone_init_kaiming_options o = options ? *options : (hone_init_kaiming_options){ 0 };
    double in, out;
    if (!HONE__KNOWS_OPTIONS(name, options) || !fans_of(name, t, &in, &out))
        return false;
    const double gain = hone_init_calculate_gain(o.nonlinearity ? o.nonlinearity : "leaky_relu",
                                                 o.a == 0 ? HONE_ZERO : o.a);
    const double fan = o.fan_out ? out : in;
    *std = fan > 0 ? gain / sqrt(fan) : 0;
    return !isnan(gain);
}

hone_tensor *hone_init_kaiming_uniform_(hone_tensor *t, const hone_init_kaiming_options *options,
                                        hone_generator *generator)
{
    double std;
    const char *const name = "init_kaiming_uniform_";
    return kaiming_std(name, t, options, &std)
               ? uniform_in(name, t, -sqrt(3) * std, sqrt(3) * std, generator)
               : NULL;
}

hone_tensor *hone_init_kaiming_normal_(hone_tensor *t, const hone_init_kaiming_options *options,
                                       hone_generator *generator)
{
    double std;
    const char *const name = "init_kaiming_normal_";
    return kaiming_std(name, t, options, &std) ? normal_of(name, t, 0, std, generator) : NULL;
}
