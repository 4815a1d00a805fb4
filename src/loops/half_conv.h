/* half_conv.h: convolutions of bf16 and their gradients by x as products of bf16 (gemm/pairs.h): the
 * weight times windows of a copy of the images (half_windows.h), which are packed where they lie in it.
 *
 * An output is one chain from +0 over (channel, tap), or, if the calling thread wants that, a sum in
 * the order `tiles` over (tap, channel), in which tiles are of neighbours where kernels have an
 * instruction for them; the bias is added to it, and the result rounded. */
#ifndef HONE_LOOPS_HALF_CONV_H
#define HONE_LOOPS_HALF_CONV_H

#include "loops/half_windows.h"

typedef struct {
    const hone__half_windows *windows; /* the copy */
    int64_t rows, columns;             /* places of a sample */
    int64_t row_step;                  /* in the copy, from one row of places to the next */
    int64_t taps;                      /* at most HONE__HALF_TAPS */
    int64_t at[HONE__HALF_TAPS];       /* where in the copy a tap begins */
    int64_t which[HONE__HALF_TAPS];    /* and in the weight: */
    const uint16_t *weight;            /* weight[o * w_out + c * w_in + which[t]] */
    int64_t w_out, w_in, outputs;
    const float *bias; /* [outputs]; or NULL */
    void *to;          /* f32, or bf16 if `narrow` */
    bool narrow;
    int64_t to_sample, to_output, to_row, to_column;
} hone__half_conv;

/** If the windows are better copied with `pairs`, for so many taps, some of which aren't first. */
bool hone__half_conv_wants_pairs(int64_t channels, int64_t taps);

/** False: out of memory. */
bool hone__half_conv_run(const hone__half_conv *conv);

#endif
