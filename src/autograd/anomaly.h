/* anomaly.h: which op's gradient became NaN. */
#ifndef HONE_AUTOGRAD_ANOMALY_H
#define HONE_AUTOGRAD_ANOMALY_H

#include "op/node.h"

/** Before the op's backward: sums[i], NULL: none, is what it may add input i's gradient to. Which have
 * a NaN, a bit each; ops that add have few inputs. May leave an error pending. */
uint64_t hone__nan_sums(const hone_context *node, hone_tensor *const *sums);
/** After it: false + E_GRADIENT if a gradient of the node's wanted inputs has a NaN, or made a sum
 * have one that had none. */
bool hone__no_nan(const hone_context *node, hone_tensor *const *dx, hone_tensor *const *sums,
                  uint64_t nan_sums);

#endif
