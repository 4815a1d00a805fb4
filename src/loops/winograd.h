/* winograd.h: convolutions of 3 x 3 taps and stride 1 by Winograd's F(2x2, 3x3), or F(4x4, 3x3) where it is
 * asked for (isa/images.h), f32.
 *
 * Each point of the transformed domain is a product over channels, one chain in their order from
 * +0, so an output's bits depend on its tile's pixels alone: not on the batch, nor on how tiles are
 * grouped. A tile at the border takes +0 for what lies outside. */
#ifndef HONE_LOOPS_WINOGRAD_H
#define HONE_LOOPS_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

/** [n, channels, height, width] with strides in elements; that of x, or of channels, is 1. */
typedef struct {
    float *p;
    int64_t channels, height, width;
    int64_t sample, channel, y, x;
    bool
        half; /* p is of bf16: widened as it is read, rounded as it is written; Winograd's forms only */
} hone__image;

typedef struct {
    int64_t n;
    hone__image in, out;
    int64_t before_y, before_x; /* padding */
    /* weight[o * w_out + c * w_in + tap], of which one stride is 9 */
    const void *weight;
    bool weight_half; /* bf16 */
    int64_t w_out, w_in;
    bool turned; /* tap 8 - t is taken for t */
    bool wide;   /* F(4x4, 3x3) */
    const float *bias;
    int64_t bias_step;
} hone__winograd;

/** If it saves products: enough channels, and outputs that fill the tiles. */
bool hone__winograd_suits(int64_t channels, int64_t outputs, int64_t out_height, int64_t out_width);

/** If so and F(4x4, 3x3) saves a tenth or more of F(2x2)'s. */
bool hone__winograd_suits_wide(int64_t out_height, int64_t out_width);

/** out = the convolution. False: out of memory. */
bool hone__winograd_run(const hone__winograd *w);

/** sum [outputs, channels, 9], contiguous, += for each sample in order the gradient of a weight by
 * x and dy, one chain over the tiles (row by row) in each point from +0. fresh: to +0 instead of what
 * the sum holds; n is not 0. False: out of memory. */
typedef struct {
    int64_t n;
    hone__image x, dy;
    int64_t before_y, before_x;
    float *sum;
    bool wide; /* F(4x4, 3x3) */
    bool fresh;
} hone__winograd_gradient;
/** If it is worth it, where F(2x2) is. */
bool hone__winograd_gradient_suits_wide(int64_t out_height, int64_t out_width);
bool hone__winograd_add_weight(const hone__winograd_gradient *g);

#endif
