/* half_conv_weight.h: the gradient by the weight of a convolution of bf16 in the order `tiles`, where
 * kernels have an instruction for them: products of an output's gradients, which are rows, with what
 * each tap sees of channels, which are columns. What a tap of another row sees is found further down in
 * the same panel, so that images are turned once for each of the kernel's columns, not for each tap. */
#ifndef HONE_LOOPS_HALF_CONV_WEIGHT_H
#define HONE_LOOPS_HALF_CONV_WEIGHT_H

#include "loops/half_windows.h"

typedef struct {
    int64_t n, channels, outputs;
    hone__half_axis y, x;      /* of no more taps than HONE__HALF_TAPS */
    const uint16_t *images;    /* [n, channels, y, x] */
    const uint16_t *of_places; /* the gradient [n, outputs, y.out, x.out] */
    float *sum;                /* [outputs, channels, taps] */
} hone__half_conv_weight;

/** If it takes less time than windows packed for each tap. */
bool hone__half_conv_weight_suits(const hone__half_conv_weight *g);

/** Adds to sum, tiles beginning with each sample. False: out of memory. */
bool hone__half_conv_weight_run(const hone__half_conv_weight *g);

#endif
