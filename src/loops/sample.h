/* sample.h: images at places between their elements, and derivatives of that by the places. */
#ifndef HONE_LOOPS_SAMPLE_H
#define HONE_LOOPS_SAMPLE_H

#include "core/core.h"

typedef enum { HONE__SAMPLE_LINEAR, HONE__SAMPLE_NEAREST, HONE__SAMPLE_CUBIC } hone__sample_mode;
typedef enum { HONE__OUTSIDE_ZERO, HONE__OUTSIDE_EDGE, HONE__OUTSIDE_MIRROR } hone__sample_outside;

/** A place is `dims` numbers, that of the last dim of the image first: -1 and 1 are the image's ends,
 * or with align_corners the outermost elements. Along an axis it has taps: elements with weights, of
 * which the order-th derivative is taken. Those outside are +0, or what lies there by `outside`. */
typedef struct {
    int dims; /* of places: 2 or 3 */
    hone__sample_mode mode;
    hone__sample_outside outside;
    bool align_corners;
    int64_t order[3];        /* of depth, height, width */
    const hone_tensor *grid; /* [N, places, dims], contiguous */
    int64_t places;          /* of a sample */
} hone__sampling;

/** y [N, C, places] of x [N, C, extents], any strides: sums along width, of these along height, of
 * these along depth; each begins with its first product, to which the others are added, product and
 * sum rounded. y: contiguous. All of one dtype, f32 or f64; x's extents are at most INT32_MAX, and
 * none is 0. */
void hone__sample(const hone__sampling *s, const hone_tensor *x, const hone_tensor *y);

/** Its transpose: dx [N, C, extents] = the sum of dy [N, C, places] at the taps that aren't outside,
 * in the order of places, and for each of depth, height and width: from +0, ((weight of depth dy)
 * weight of height) weight of width. Both contiguous. */
void hone__sample_add(const hone__sampling *s, const hone_tensor *dy, const hone_tensor *dx);

#endif
