/* call_cost.h: multiply-adds and least bytes of what is recorded, by the op's rule (op/cost.h). */
#ifndef HONE_PROFILE_CALL_COST_H
#define HONE_PROFILE_CALL_COST_H

#include "op/cost.h"
#include "op/node.h"

/** Of a call that has run: each operand once, what the rule says instead, and its multiply-adds. */
void hone__cost_of_call(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                        hone_tensor *const *out, int n_out, hone__target target, hone__cost *cost);
/** Of a node's gradients: by the rule's `back` of the inputs that want one; as bytes the gradient
 * that came, the inputs, and the gradients that go. */
void hone__cost_of_node(const hone_context *node, hone__cost *cost);

#endif
