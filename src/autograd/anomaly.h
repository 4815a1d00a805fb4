/* anomaly.h: which op's gradient became NaN. */
#ifndef HONE_AUTOGRAD_ANOMALY_H
#define HONE_AUTOGRAD_ANOMALY_H

#include "op/node.h"

/** Before the op's backward: sums[i], NULL: none, is what it may add input i's gradient to. Notes
 * which have a NaN. False: an error is pending. */
bool hone__note_nan(hone_context *node, hone_tensor *const *sums);
/** After it: false + E_GRADIENT if a gradient of the node's wanted inputs has a NaN, or made a sum
 * have one. */
bool hone__no_nan(const hone_context *node, hone_tensor *const *dx, hone_tensor *const *sums);

#endif
