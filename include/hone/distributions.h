/** @file distributions.h
 * Tensors of numbers by a rule, and random ones by distribution: each call takes streams of the thread's
 * generator as hone_rand does (random.h). No gradients.
 */
#ifndef HONE_DISTRIBUTIONS_H
#define HONE_DISTRIBUTIONS_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** base^x for [steps] numbers x from start to end. HONE_E_VALUE. */
HONE_API hone_tensor *hone_logspace(hone_dtype dtype, double start, double end, int64_t steps,
                                    double base);
/** [n, m]: 1 where column - row is at most k, else 0. */
HONE_API hone_tensor *hone_tri(hone_dtype dtype, int64_t n, int64_t m, int64_t k);
/** 1 with the probability p (f32, f64) at each place, else 0. HONE_E_VALUE: outside of 0 .. 1. */
HONE_API hone_tensor *hone_bernoulli(hone_tensor *p);
/** mean + std times a normal number, broadcast. HONE_E_VALUE: std below 0. */
HONE_API hone_tensor *hone_normal(hone_tensor *mean, hone_tensor *std);
/** -log(1 - u) / rate in the shape of x (f32, f64). HONE_E_VALUE: rate not above 0. */
HONE_API hone_tensor *hone_exponential_like(hone_tensor *x, double rate);
/** n indices (i64) of each row of weights [k] or [rows, k] (f32, f64), each as probable as its share; without
 * replacement all different, by the n largest of weight / exponential (as PyTorch). HONE_E_VALUE: a
 * weight below 0 or not finite, or not enough of them above 0. */
HONE_API hone_tensor *hone_multinomial(hone_tensor *weights, int64_t n, bool replacement);

#ifdef __cplusplus
}
#endif
#endif
