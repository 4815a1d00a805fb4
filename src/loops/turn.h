/* turn.h: elements in another order along dims: reversed, or moved round their end. */
#ifndef HONE_LOOPS_TURN_H
#define HONE_LOOPS_TURN_H

#include "core/core.h"

/** Which element of an extent stands at place i: that at extent - 1 - i, or at (i + from) modulo the
 * extent. */
typedef struct {
    bool reversed;
    int64_t from; /* 0..extent - 1 */
} hone__turn;

/** out = x with each dim turned: both contiguous, of one shape and dtype, and different memory. */
void hone__turn_dims(hone_tensor *out, const hone_tensor *x, const hone__turn *dims);

#endif
