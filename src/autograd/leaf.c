/* leaf.c: tensors as leaves of the graph: requires_grad, .grad, detach. */
#include "autograd/leaf.h"
#include "autograd/accumulate.h"
#include "autograd/run_hooks.h"
#include "autograd/trees.h"

#include "op/node.h"
#include "runtime/lock.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <string.h>

/* ---- what changes a gradient ---- */

static unsigned lock_of(const hone_tensor *leaf)
{
    return ((uintptr_t)leaf >> 8) % HONE__LEAF_LOCKS;
}

static hone__lock_id lock_leaf(const hone_tensor *leaf)
{
    const hone__lock_id lock = (hone__lock_id)(HONE__LOCK_LEAVES + lock_of(leaf));
    hone__lock(lock);
    return lock;
}

unsigned hone__leaf_lock(const hone_tensor *leaf)
{
    lock_leaf(leaf);
    return 1u << lock_of(leaf);
}

int hone__leaf_use(hone_tensor *leaf, uint64_t walk, bool in_parts)
{
    const hone__lock_id lock = lock_leaf(leaf);
    if (leaf->walk != walk) {
        leaf->walk = walk;
        leaf->uses = 0;
    }
    const bool known = leaf->in_parts || !in_parts || hone__accumulate_into(leaf);
    leaf->in_parts = leaf->in_parts || (in_parts && known);
    const int use = leaf->uses++;
    hone__unlock(lock);
    return known ? use : -1;
}

/* The i-th of a leaf's list; what isn't there yet is made, or with `there` is NULL. NULL: out of
 * memory. */
static hone__later *later_of(hone_tensor *leaf, int i, bool there)
{
    hone__later **at = &leaf->later;
    for (;; at = &(*at)->next) { /* a use that gave no gradient has a place, too */
        if (!*at && (there || !(*at = hone__calloc(sizeof **at))))
            return NULL;
        if (i-- == 0)
            return *at;
    }
}

hone__trees **hone__leaf_trees(hone_tensor *leaf, int use)
{
    hone__later *at = later_of(leaf, use, false);
    return at ? &at->trees : NULL;
}

hone__trees **hone__leaf_trees_there(hone_tensor *leaf, int use)
{
    hone__later *at = later_of(leaf, use, true);
    return at ? &at->trees : NULL;
}

/* Where the sum of a use is kept. NULL: out of memory. */
static hone_tensor **slot_of(hone_tensor *leaf, int use)
{
    if (use == 0 || !leaf->in_parts)
        return &leaf->grad;
    hone__later *at = later_of(leaf, use - 1, false);
    return at ? &at->sum : NULL;
}

hone_tensor *hone__leaf_sum(const hone_tensor *leaf, int use)
{
    if (use == 0)
        return leaf->grad;
    const hone__later *at = leaf->in_parts ? leaf->later : NULL;
    for (int i = 1; i < use && at; i++)
        at = at->next;
    return at ? at->sum : NULL;
}

hone_tensor *hone__leaf_whole(const hone_tensor *leaf, int use)
{
    return use > 0 && !leaf->in_parts ? leaf->grad : NULL;
}

static bool add_to_slot(hone_tensor **slot, hone_tensor *grad)
{
    if (*slot)
        return hone_add_(*slot, grad) != NULL;
    hone_tensor *own = hone__only_ours(grad) ? grad : hone_clone(grad);
    *slot = hone_retain(own);
    return own != NULL;
}

bool hone__leaf_add(hone_tensor *leaf, int use, hone_tensor *grad)
{
    const hone__lock_id lock = lock_leaf(leaf);
    hone_tensor **slot = slot_of(leaf, use);
    const bool ok = slot && add_to_slot(slot, grad);
    if (slot == &leaf->grad)
        leaf->grad_is_zero &= !ok;
    hone__unlock(lock);
    return ok;
}

/* Ends the parts; with `add` their sums go to .grad. */
static bool end_parts(hone_tensor *leaf, bool add)
{
    bool ok = true;
    const hone__lock_id lock = lock_leaf(leaf);
    hone__later *kept = hone__leaf_hooks(leaf) ? leaf->later : NULL;
    leaf->in_parts = false;
    for (hone__later *at = leaf->later, *next; at; at = next) {
        next = at->next;
        bool holds_grad = false;
        hone_tensor *sum = at->trees ? hone__trees_take(at->trees, &holds_grad) : at->sum;
        if (add && ok && holds_grad && sum && leaf->grad)
            ok = hone_copy_(leaf->grad, sum) != NULL;
        else
            ok = ok && (!add || !sum || add_to_slot(&leaf->grad, sum));
        hone_release(sum);
        hone__trees_free(at->trees);
        if (at != kept)
            hone__free(at);
    }
    leaf->later = kept;
    if (kept)
        *kept = (hone__later){ .hooks = kept->hooks };
    leaf->grad_is_zero &= !leaf->grad;
    hone__unlock(lock);
    return ok;
}

bool hone__leaf_end_parts(hone_tensor *leaf)
{
    return end_parts(leaf, true);
}

void hone__leaf_drop_parts(hone_tensor *leaf)
{
    end_parts(leaf, false);
}

bool hone__leaf_is_whole(const char *what, const hone_tensor *leaf)
{
    if (!leaf->in_parts)
        return true;
    hone_error_set(HONE_E_STATE,
                   "%s: parts of the batch are still to come for the gradient of %s; "
                   "hone_accumulate_end() comes first",
                   what, hone__tensor_text(leaf).s);
    return false;
}

/* ---- hooks: where some may change the gradient, that is summed with .grad laid aside */

hone__hooks **hone__leaf_hooks_place(hone_tensor *leaf)
{
    hone__later *first = later_of(leaf, 0, false);
    return first ? &first->hooks : NULL;
}

static _Thread_local char thread_mark;

bool hone__leaf_hooks_begin(hone_tensor *leaf, bool *first)
{
    const hone__lock_id lock = lock_leaf(leaf);
    hone__hooks *h = hone__leaf_hooks(leaf);
    const void *walker = h->walker;
    *first = !walker;
    if (*first) {
        h->walker = &thread_mark;
        h->aside = hone__hooks_have(h, HONE__HOOK_GRADIENT);
    }
    if (*first && h->aside) {
        h->before = leaf->grad;
        h->before_is_zero = leaf->grad_is_zero;
        leaf->grad = NULL;
        leaf->grad_is_zero = false;
    }
    hone__unlock(lock);
    if (!walker || walker == &thread_mark)
        return true;
    hone_error_set(HONE_E_STATE,
                   "backward: another thread's walk brings a gradient to %s, which has hooks; "
                   "walks must go one after the other",
                   hone__tensor_text(leaf).s);
    return false;
}

bool hone__leaf_hooks_end(hone_tensor *leaf, bool good)
{
    hone__hooks *h = hone__leaf_hooks(leaf);
    if (!h || !h->walker)
        return true;
    const hone__lock_id lock = lock_leaf(leaf);
    const bool aside = h->aside;
    hone_tensor *came = aside ? leaf->grad : NULL;
    if (aside) {
        leaf->grad = h->before;
        leaf->grad_is_zero = h->before_is_zero;
    }
    h->before = NULL;
    h->aside = false;
    h->walker = NULL;
    const bool some = came || (!aside && leaf->grad);
    hone__unlock(lock);
    HONE_SCOPE();
    bool ok = true;
    if (good && came)
        ok = hone__hooks_run(h, "a leaf", 0, &came) && hone__leaf_add(leaf, 0, came);
    hone_release(came);
    return ok && (!good || !some || hone__hooks_accumulated(h, leaf));
}

void hone__leaf_later_free(hone__later *later)
{
    hone__hooks_free(later->hooks);
    hone__free(later);
}

unsigned hone__leaves_lock(const hone_context *node)
{
    unsigned locks = 0, kept = 0;
    for (int i = 0; i < node->n_in; i++)
        if (node->edges[i].into)
            locks |= 1u << lock_of(node->edges[i].into);
    for (unsigned i = 0; i < HONE__LEAF_LOCKS;
         i++) /* in one order, so that nobody waits in a circle */
        if (locks >> i & 1)
            hone__lock((hone__lock_id)(HONE__LOCK_LEAVES + i));
    for (int i = 0; i < node->n_in; i++) {
        const hone__edge *e = &node->edges[i];
        if (e->into && (hone__leaf_sum(e->into, e->use) || hone__leaf_whole(e->into, e->use)))
            kept |= 1u << lock_of(e->into);
    }
    hone__leaves_unlock(locks & ~kept);
    return kept;
}

void hone__unlock_leaves(unsigned locks)
{
    for (unsigned i = 0; i < HONE__LEAF_LOCKS; i++)
        if (locks >> i & 1)
            hone__unlock((hone__lock_id)(HONE__LOCK_LEAVES + i));
}

bool hone__leaf_zero(hone_tensor *leaf)
{
    bool ok = true;
    hone_tensor *unused = NULL;
    if (!hone__leaf_is_whole("zero_grad", leaf))
        return false;
    const hone__lock_id lock = lock_leaf(leaf);
    if (leaf->grad && hone__only_ours(leaf->grad)) {
        unused = leaf->grad;
        leaf->grad = NULL;
        leaf->grad_is_zero = true;
    } else if (leaf->grad) {
        ok = hone_zero_(leaf->grad) != NULL;
    }
    hone__unlock(lock);
    hone_release(unused);
    return ok;
}

bool hone__leaf_reset(hone_tensor *leaf, bool set_to_none)
{
    return set_to_none ? hone_set_grad(leaf, HONE_NONE) == HONE_OK : hone__leaf_zero(leaf);
}

bool hone__leaf_grad(hone_tensor *leaf, hone_tensor **grad)
{
    const hone__lock_id lock = lock_leaf(leaf);
    if (!leaf->grad && leaf->grad_is_zero) {
        HONE_SCOPE();
        HONE_NO_GRAD();
        leaf->grad = hone_retain(hone_zeros_like(leaf));
        leaf->grad_is_zero = !leaf->grad;
    }
    const bool none = !leaf->grad && !leaf->grad_is_zero;
    *grad = hone_retain(leaf->grad);
    hone__unlock(lock);
    *grad = hone__own(*grad);
    return none || *grad;
}

/* Another handle onto t's memory, without its history. */
static hone_tensor *same_memory(const hone_tensor *t)
{
    return hone__alias(t, t->ndim, t->shape, t->stride, t->offset);
}

bool hone__leaf_part(hone_tensor *leaf, hone_tensor *t, hone_context **history)
{
    hone_tensor *own = NULL;
    const hone__lock_id lock = lock_leaf(leaf);
    const bool same = leaf->grad == t;
    *history = !same && leaf->grad ? hone__node_retain(leaf->grad->node) : NULL;
    if (same && (own = same_memory(t)))
        leaf->grad = own;
    hone__unlock(lock);
    if (own)
        hone_release(t);
    return !same || own;
}

/* ---- what users see ---- */

hone_tensor *hone_requires_grad_(hone_tensor *t, bool requires_grad)
{
    if (!hone__needs_tensor("requires_grad_", t))
        return NULL;
    if (t->node) {
        if (requires_grad)
            return t;
        hone_error_set(HONE_E_STATE,
                       "requires_grad_: %s was computed from tensors that require a gradient; "
                       "detach it instead",
                       hone__tensor_text(t).s);
        return NULL;
    }
    if (requires_grad && !hone_dtype_is_float((hone_dtype)t->dtype)) {
        hone_error_set(HONE_E_DTYPE,
                       "requires_grad_: only f32 and f64 can require a gradient, got %s",
                       hone__tensor_text(t).s);
        return NULL;
    }
    t->requires_grad = requires_grad;
    return t;
}

bool hone_requires_grad(const hone_tensor *t)
{
    return t != HONE_NONE && hone__needs_tensor("requires_grad", t) &&
           (t->requires_grad || t->node);
}

bool hone_is_leaf(const hone_tensor *t)
{
    return hone__needs_tensor("is_leaf", t) && !t->node;
}

/* Another handle each time: an op in place may give it a history that leads back to t. */
static hone_tensor *retained_grad(const hone_tensor *t)
{
    const hone__hooks *hooks = t->node->hooked ? t->node->hooks : NULL;
    const hone__grad_hook *retainer = hone__hooks_retainer(hooks, t->out_index);
    return retainer && retainer->retained ? hone__own(same_memory(retainer->retained)) : NULL;
}

hone_tensor *hone_grad(hone_tensor *t)
{
    if (!hone__needs_tensor("grad", t) || !hone__leaf_is_whole("grad", t))
        return NULL;
    hone_tensor *grad;
    if (t->node)
        return retained_grad(t);
    if (!hone__leaf_grad(t, &grad) || !grad)
        return NULL;
    hone__mark_held(grad);
    return grad;
}

hone_status hone_set_grad(hone_tensor *t, hone_tensor *grad)
{
    if (!hone__needs_tensor("set_grad", t) || !hone__needs_tensor_or_none("set_grad", grad))
        return hone__error_last();
    if (t == grad)
        return hone_error_set(HONE_E_VALUE, "set_grad: a tensor can't be its own gradient");
    if (!hone__leaf_is_whole("set_grad", t))
        return HONE_E_STATE;
    if (t->node)
        return hone_error_set(HONE_E_STATE, "set_grad: %s is not a leaf", hone__tensor_text(t).s);
    if (grad != HONE_NONE && (grad->dtype != t->dtype || !hone__same_shape(grad, t)))
        return hone_error_set(HONE_E_SHAPE, "set_grad: the gradient %s doesn't fit the tensor %s",
                              hone__tensor_text(grad).s, hone__tensor_text(t).s);
    hone_tensor *own = NULL;
    if (grad != HONE_NONE) { /* a history could lead back to t, which nobody could free then */
        own = grad->node ? same_memory(grad) : hone_retain(grad);
        if (!own)
            return HONE_E_NOMEM;
        hone__mark_held(own);
    }
    const hone__lock_id lock = lock_leaf(t);
    hone_tensor *old = t->grad;
    t->grad = own;
    t->grad_is_zero = false;
    hone__unlock(lock);
    hone_release(old);
    return HONE_OK;
}

hone_tensor *hone_detach(hone_tensor *t)
{
    if (!hone__needs_tensor("detach", t))
        return NULL;
    hone_tensor *view = same_memory(t);
    if (view)
        view->made_by = "detach";
    return hone__own(view);
}
