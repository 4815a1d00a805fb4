/* leaf.h: the gradients that leaves collect. Threads that train together share leaves, so what
 * changes a .grad holds a lock. */
#ifndef HONE_AUTOGRAD_LEAF_H
#define HONE_AUTOGRAD_LEAF_H

#include "core/core.h"
#include "op/hooks.h"

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

/* Contract 7: the u-th delivery of a walk to a leaf has a sum of its own, so that the parts of a
 * batch, each of which delivers as often, go on where the part before has stopped. That of u = 0 is
 * .grad. Where a walk is all of the batch, the others need none: each is added to .grad when it is
 * whole. In parts (accumulate.h) they wait until the end. */

/** The sum of one of a leaf's later uses. */
typedef struct hone__later hone__later;
struct hone__later {
    hone_tensor *sum;          /* held; NULL: not begun */
    struct hone__trees *trees; /* the same where the batch has shards: of the first use, too */
    hone__hooks *hooks;        /* the leaf's own: the first of the list has them */
    hone__later *next;
};

/** NULL: the leaf has none. */
static inline hone__hooks *hone__leaf_hooks(const hone_tensor *leaf)
{
    return leaf->later ? leaf->later->hooks : NULL;
}
/** Where they are; NULL: out of memory. */
hone__hooks **hone__leaf_hooks_place(hone_tensor *leaf);
/** A walk, or with it a batch in parts, brings a gradient to a leaf with hooks. *first: none has before
 * it. False: another thread's does. */
bool hone__leaf_hooks_begin(hone_tensor *leaf, bool *first);
/** ... has brought all of it: the hooks run. With !good they don't, and .grad is what it was before
 * if there are any that could have changed the gradient. False: an error is pending. */
bool hone__leaf_hooks_end(hone_tensor *leaf, bool good);
/** What is left of the list when the leaf goes. */
void hone__leaf_later_free(hone__later *later);

/** Where the trees of that use are; NULL: out of memory. */
struct hone__trees **hone__leaf_trees(hone_tensor *leaf, int use);
/** ... NULL: there are none of such a use. */
struct hone__trees **hone__leaf_trees_there(hone_tensor *leaf, int use);

/** Of a walk or a part: never 0, nor the same again. */
uint64_t hone__walk_id(void);
/** Counts a delivery of this walk or part: how many there were before; -1: out of memory. */
int hone__leaf_use(hone_tensor *leaf, uint64_t walk, bool in_parts);
/** The sum of that use += grad; the first one is taken over if nobody else can see it. */
bool hone__leaf_add(hone_tensor *leaf, int use, hone_tensor *grad);
/** The sum of that use, as far as there is one. The leaf is locked. */
hone_tensor *hone__leaf_sum(const hone_tensor *leaf, int use);
/** What that use's gradient is added to when it is whole: .grad, which another use has begun; else
 * NULL. The leaf is locked. */
hone_tensor *hone__leaf_whole(const hone_tensor *leaf, int use);
/** Locks the leaves that node's wanted inputs are or show, where their sums have begun; unlocked
 * when the locks are given back. */
unsigned hone__leaves_lock(const hone_context *node);
unsigned hone__leaf_lock(const hone_tensor *leaf);
void hone__unlock_leaves(unsigned locks);
static inline void hone__leaves_unlock(unsigned locks)
{
    if (locks)
        hone__unlock_leaves(locks);
}
/** Adds the sums of the later uses, or those over all shards, to .grad, in their order. */
bool hone__leaf_end_parts(hone_tensor *leaf);
/** Forgets them: .grad stays as it was before the batch where that has shards. */
void hone__leaf_drop_parts(hone_tensor *leaf);
/** False + E_STATE in the name of `what` if parts of a batch are still to come. */
bool hone__leaf_is_whole(const char *what, const hone_tensor *leaf);
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
