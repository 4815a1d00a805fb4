/* samples.h: sums over samples (contract 7): one chain an element in the order of the samples, which
 * may begin with what is there. Dim 0 counts samples; what comes between it and the last dim are a
 * sample's positions. */
#ifndef HONE_OPS_SAMPLES_H
#define HONE_OPS_SAMPLES_H

#include "core/core.h"
#include "gemm/args.h"

/** From so many positions a sample on, a product's sum over samples has a chain a sample, begun at
 * +0, whose ends are added: one chain over 32 samples of 1024 positions errs five times more, and a
 * sum a sample costs no time then. */
enum { HONE__MANY_POSITIONS = 256 };

/** sum += x[0], then x[1] ...: x [samples, ..], sum of as many elements as one of them, in their
 * order. False: out of memory. */
bool hone__add_samples(hone_tensor *sum, hone_tensor *x);

/** The sum over samples and positions of x^T y, x [samples, .., m], y [samples, .., n], to `sum`
 * [m, n] of any strides; how: AFTER only adds to it what is a chain of its own. False: out of
 * memory. */
bool hone__sum_sample_products(hone_tensor *sum, hone_tensor *x, hone_tensor *y,
                               hone__gemm_accumulate how);

#endif
