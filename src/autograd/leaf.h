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
/** sums[i] = leaf.grad of each leaf, if it has one, whose gradient the walk wants from node; locked
 * until the locks are given back. */
unsigned hone__leaves_lock(const hone_context *node, hone_tensor **sums);
void hone__leaves_unlock(unsigned locks);
/** leaf.grad = 0, if there is one. Memory that nobody else holds is given back until the next
 * gradient comes, which then is taken over instead of added to zeros. */
bool hone__leaf_zero(hone_tensor *leaf);
/** The same, or with set_to_none as if there had never been one. */
bool hone__leaf_reset(hone_tensor *leaf, bool set_to_none);
/** If leaf.grad is t itself, the leaf gets another handle onto its memory, without history. Else
 * *history = the history of leaf.grad, held, or NULL. False: E_NOMEM. */
bool hone__leaf_part(hone_tensor *leaf, hone_tensor *t, hone_context **history);
/** What an in-place call does first: see cycle.c and hone__cut_cycles in op/node.h. */
bool hone__find_and_cut_cycles(hone_context *ctx, hone_tensor *target);
/** *grad = leaf.grad, owned by the current scope (another thread may drop the leaf's own reference
 * at any time); NULL: there is none. False: E_NOMEM. */
bool hone__leaf_grad(hone_tensor *leaf, hone_tensor **grad);

#endif
