/* depthwise.h: of depthwise convolutions (direct.h), those of 3 x 3 taps, stride 1 or 2. */
#ifndef HONE_LOOPS_DEPTHWISE_H
#define HONE_LOOPS_DEPTHWISE_H

#include "loops/image_parts.h"

bool hone__is_of_3x3(const hone__direct_axis *y, const hone__direct_axis *x);
/** plane_ns: of one thread for a plane. */
void hone__depthwise_3x3(const hone__direct *d, double plane_ns);
void hone__depthwise_3x3_add_weight(const hone__direct_gradient *g, double plane_ns);

#endif
