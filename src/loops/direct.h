/* direct.h: convolutions of many channels, and their gradients by the input, as products of pixels
 * that are read where they lie, or channel by channel (depthwise), f32.
 *
 * An output is one chain from +0 over (ky, kx, channel). A tap in a row outside the image is left
 * out, one in a column outside counts as +0 times the weight; of a gradient by the input with a
 * stride, taps that no output has are left out. */
#ifndef HONE_LOOPS_DIRECT_H
#define HONE_LOOPS_DIRECT_H

#include "loops/winograd.h"

/** An axis: the output at o sees, of tap k, what is at (o * mul + off + k * step) / div of the
 * image, if that is whole. mul or div is 1. */
typedef struct {
    int64_t taps, mul, off, step, div;
} hone__direct_axis;

typedef struct {
    int64_t n;
    hone__image in, out;
    hone__direct_axis y, x;
    /* weight[o * w_out + c * w_in + tap], tap = ky * x.taps + kx; one stride is the number of taps.
     * hone__depthwise_run: output o sees channel o alone, weight[o * taps + tap] */
    const float *weight;
    int64_t w_out, w_in;
    const float *bias;
    int64_t bias_step;
} hone__direct;

/** Taps that a row's table has places for. */
enum { HONE__DIRECT_TAPS = 64 };

/** If there are channels enough, and no more taps than that. */
bool hone__direct_suits(int64_t channels, int64_t outputs, int64_t taps);

/** out = the convolution. False: out of memory. */
bool hone__direct_run(const hone__direct *d);
/** The same of a depthwise one, of as many channels as outputs; the images' stride along x is 1. */
bool hone__depthwise_run(const hone__direct *d);

/** The same of one tap, where samples are many enough and have few outputs each: images whose rows follow each other
 * and have a stride of 1 along x. */
bool hone__tap_samples_suits(int64_t n, int64_t positions);
bool hone__tap_samples_run(const hone__direct *d);

/** to [n, channels, ..] = rows 0, step_y, .. and of these columns 0, step_x, ..; the image's stride along x
 * is 1. */
void hone__thin_planes(const hone__image *m, int64_t n, int64_t step_y, int64_t step_x, float *to);

/** sum [outputs, channels, taps], contiguous, += the gradient of a weight by x and dy: one chain over
 * (sample, y, x) that begins with it, or from many_positions a sample on a chain from +0 for each
 * sample, these being added in order. div is 1. False: out of memory. */
typedef struct {
    int64_t n;
    hone__image x, dy;
    hone__direct_axis y_axis, x_axis;
    float *sum;
    int64_t many_positions;
} hone__direct_gradient;
bool hone__direct_add_weight(const hone__direct_gradient *g);
/** The same of a depthwise one, or of one channel that all outputs see, sum [outputs, taps]; the
 * images' stride along x is 1. A sample's part,
 * which is added to sum in the order of samples, is of 16 lanes from +0, lane l a chain over the rows
 * and in a row over columns l, l + 16, .. (as many for each lane: +0 times +0 behind the row), which are
 * folded by halves; taps in rows outside are left out. */
bool hone__depthwise_add_weight(const hone__direct_gradient *g);
/** The same of one tap, where both images have their positions in one line, and enough of them. */
bool hone__tap_suits(const hone__direct_gradient *g);
bool hone__tap_add_weight(const hone__direct_gradient *g);
/** The same of few channels, but that a tap outside the image counts as +0. */
bool hone__few_suits(const hone__direct_gradient *g);
bool hone__few_add_weight(const hone__direct_gradient *g);

#endif
