/* conv.h: what a convolution multiplies by its weights: windows of an image, as an operand of the
 * GEMM (gemm/args.h) that is read where the image lies.
 *
 * The operand is a matrix [positions, taps]. A position is a place (z, y, x) of a grid, a tap is
 * (channel, kz, ky, kx) in this order; element [position, tap] is the image's element [channel, iz,
 * iy, ix] with
 *
 *      iy = (y * mul + off + ky * step) / div       and iz and ix alike, by their axes
 *
 * and +0 where that isn't a whole number or lies outside the image. A convolution has (stride,
 * -padding, dilation, 1); its gradient by the input, which reads dy, has (1, padding, -dilation,
 * stride). mul or div is 1. An image of two dims is one of depth 1. */
#ifndef HONE_LOOPS_CONV_H
#define HONE_LOOPS_CONV_H

#include "gemm/args.h"

#include <stdbool.h>

typedef struct {
    int64_t extent, stride; /* of the image, in elements */
    int64_t taps;           /* of the window */
    int64_t mul, off, step, div;
} hone__conv_axis;

typedef struct {
    hone__gemm_source source; /* of [positions, taps], or of its transpose */
    hone__gemm_dtype dtype;
    int64_t depth, height, width; /* of the grid */
    int64_t channel_stride;       /* of the image, in elements */
    hone__conv_axis z, y, x;
} hone__conv_windows;

/** Sets `source`: A of the product is [positions, taps]; or [taps, positions] with `by_taps`. */
void hone__conv_windows_init(hone__conv_windows *windows, bool by_taps);

#endif
