/** @file init.h
 * Initial values, as torch.nn.init: each fills a tensor in place, recording nothing, and returns it.
 *
 * @param t          f32 or f64, any strides; a parameter may be given. The values don't depend on
 *                   the strides.
 * @param generator  where it draws from; NULL: the thread's (random.h).
 * NULL on error: HONE_E_VALUE (a number out of range), HONE_E_SHAPE (dims), HONE_E_DTYPE, HONE_E_NULL,
 * HONE_E_STATE (a thread without a generator; an expanded tensor), HONE_E_NOMEM.
 *
 * Fans are PyTorch's: of [out, in, ..], fan_in is in times the extents behind it, fan_out out times
 * them. Linear's weight is [in, out] in hone: give its transposed view,
 *      hone_init_kaiming_uniform_(hone_transpose(weight, 0, 1), NULL, NULL);
 */
#ifndef HONE_INIT_H
#define HONE_INIT_H

#include <hone/dtype.h>
#include <hone/random.h>
#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Uniform in [a, b). */
HONE_API hone_tensor *hone_init_uniform_(hone_tensor *t, double a, double b,
                                         hone_generator *generator);
HONE_API hone_tensor *hone_init_normal_(hone_tensor *t, double mean, double std,
                                        hone_generator *generator);
/** Normal numbers within [a, b], which are limits as they are and no multiples of std (PyTorch's
 * defaults: 0, 1, -2, 2): what falls outside is drawn again. */
HONE_API hone_tensor *hone_init_trunc_normal_(hone_tensor *t, double mean, double std, double a,
                                              double b, hone_generator *generator);
HONE_API hone_tensor *hone_init_constant_(hone_tensor *t, double value);
HONE_API hone_tensor *hone_init_zeros_(hone_tensor *t);
HONE_API hone_tensor *hone_init_ones_(hone_tensor *t);
/** 1 on the diagonal of a matrix of any extents, 0 elsewhere. */
HONE_API hone_tensor *hone_init_eye_(hone_tensor *t);
/** A convolution's weight of 3 to 5 dims that gives its input: 1 in the middle of [i, i, ..] for as
 * many channels as there are, for each of the groups (0: 1), which must divide the outputs. */
HONE_API hone_tensor *hone_init_dirac_(hone_tensor *t, int64_t groups);

/** Factor for the deviation of weights before a nonlinearity: 1 of "linear", "conv1d" and the like
 * and "sigmoid", 5/3 of "tanh", sqrt(2) of "relu", sqrt(2 / (1 + param^2)) of "leaky_relu" (param 0:
 * 0.01, HONE_ZERO: 0), 3/4 of "selu"; NaN + HONE_E_VALUE of others. */
HONE_API double hone_init_calculate_gain(const char *nonlinearity, double param);

/** Uniform within +-gain sqrt(6 / (fan_in + fan_out)) / normal of deviation gain sqrt(2 / (fan_in +
 * fan_out)). gain 0: 1. Source: Glorot and Bengio (2010). */
HONE_API hone_tensor *hone_init_xavier_uniform_(hone_tensor *t, double gain,
                                                hone_generator *generator);
HONE_API hone_tensor *hone_init_xavier_normal_(hone_tensor *t, double gain,
                                               hone_generator *generator);

typedef struct {
    double a;                 /**< default 0: the slope of leaky_relu */
    const char *nonlinearity; /**< default "leaky_relu" */
    bool fan_out;             /**< instead of fan_in */
    HONE_RESERVE(47);
} hone_init_kaiming_options;

/** Uniform within +-gain sqrt(3 / fan) / normal of deviation gain / sqrt(fan). Source: He et al.
 * (2015). */
HONE_API hone_tensor *hone_init_kaiming_uniform_(hone_tensor *t,
                                                 const hone_init_kaiming_options *options,
                                                 hone_generator *generator);
HONE_API hone_tensor *hone_init_kaiming_normal_(hone_tensor *t,
                                                const hone_init_kaiming_options *options,
                                                hone_generator *generator);

/** A matrix (dims from 1 on taken together) with orthonormal rows, or columns if there are more
 * rows, times gain (0: 1): the Q of normal numbers. Source: Saxe et al. (2013). */
HONE_API hone_tensor *hone_init_orthogonal_(hone_tensor *t, double gain, hone_generator *generator);
/** Normal numbers of deviation std (0: 0.01), of which in each column a part `sparsity`, 0 to 1, is 0
 * (rounded up). Source: Martens (2010). */
HONE_API hone_tensor *hone_init_sparse_(hone_tensor *t, double sparsity, double std,
                                        hone_generator *generator);

#ifdef __cplusplus
}
#endif
#endif
