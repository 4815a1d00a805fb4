/* observe.h: the one place through which every op's run is seen: where its operands lie, for the
 * cost model (runtime/cost.h), and what HONE_DEBUG prints. */
#ifndef HONE_OP_OBSERVE_H
#define HONE_OP_OBSERVE_H

#include "op/node.h"
#include "runtime/parallel.h"

/** Before the forward; gives back what was said of the op that calls this one. */
hone__data_place hone__observe_begin(const hone_context *ctx);
/** A large tensor that the forward has made. */
void hone__observe_new(const hone_tensor *t);
/** After the forward; out[0..n_out-1], n_out is 0 if it failed. */
void hone__observe_end(const hone_context *ctx, hone__data_place outer, hone_tensor *const *out,
                       int n_out);

#endif
