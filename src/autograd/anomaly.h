/* anomaly.h: which op's gradient became NaN. */
#ifndef HONE_AUTOGRAD_ANOMALY_H
#define HONE_AUTOGRAD_ANOMALY_H

#include "op/node.h"

/** False + E_GRADIENT if a gradient of the node's wanted inputs has a NaN. */
bool hone__no_nan(const hone_context *node, hone_tensor *const *dx);

#endif
