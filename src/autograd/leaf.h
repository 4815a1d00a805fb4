/* leaf.h: the gradients that leaves collect. Threads that train together share leaves, so what
 * changes a .grad holds a lock. */
#ifndef HONE_AUTOGRAD_LEAF_H
#define HONE_AUTOGRAD_LEAF_H

#include "core/core.h"

/** True if nobody but the one who asks can see t's memory; of memory that isn't hone's that is
 * never known. */
static inline bool hone__unshared(const hone_tensor *t)
{
    return atomic_load(&t->refs) == 1 && atomic_load(&t->storage->refs) == 1 &&
           !t->storage->release;
}
/** ... and it may be changed or taken over. */
static inline bool hone__only_ours(const hone_tensor *t)
{
    return hone__unshared(t) && hone__contiguous(t) && !t->node;
}

/** leaf.grad += grad; the first one is taken over if nobody else can see it. */
bool hone__leaf_add(hone_tensor *leaf, hone_tensor *grad);
/** sum += the gradient of node's input i, without making it first, if it is a product of matrices
 * (*added); node's op has factors. False: an error. */
bool hone__add_product(hone_tensor *sum, hone_context *node, hone_tensor *dy, int i, bool *added);
/** The same to leaf.grad, if there is one. */
bool hone__leaf_add_product(hone_tensor *leaf, hone_context *node, hone_tensor *dy, int i,
                            bool *added);
/** leaf.grad = 0, if there is one. Memory that nobody else holds is given back until the next
 * gradient comes, which then is taken over instead of added to zeros. */
bool hone__leaf_zero(hone_tensor *leaf);
/** The same, or with set_to_none as if there had never been one. */
bool hone__leaf_reset(hone_tensor *leaf, bool set_to_none);
/** If leaf.grad is t itself, the leaf gets another handle onto its memory, without history. Else
 * *history = the history of leaf.grad, held, or NULL. False: E_NOMEM. */
bool hone__leaf_part(hone_tensor *leaf, hone_tensor *t, hone_context **history);
/** *grad = leaf.grad, owned by the current scope (another thread may drop the leaf's own reference
 * at any time); NULL: there is none. False: E_NOMEM. */
bool hone__leaf_grad(hone_tensor *leaf, hone_tensor **grad);

#endif
