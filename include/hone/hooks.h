/** @file hooks.h
 * Gradients on their way: hooks on tensors, gradients of inner tensors, and anomaly mode.
 *
 * A tensor's hooks are called when its gradient of a walk is complete, those of an inner tensor when
 * the walk comes to it, those of a leaf at the walk's end, leaves in the order in which the first
 * of their gradients came. In a batch in parts (accumulate.h), with shards or without, the leaves'
 * are called once, in hone_accumulate_end(): so they see the same bits for every cut. Inner
 * tensors belong to a part.
 *
 * A leaf with gradient hooks gets their result added to its .grad: what they are given is the
 * walk's, summed from +0 (in parts the batch's), not what .grad held before; where the walk fails,
 * or a hook does, .grad is what it was. Leaves with post-accumulate hooks alone have the bits of
 * those without. A hooked view of a leaf is an inner tensor: its gradient is made whole for
 * the hook, so the promise of autograd.h about any cut of the batch doesn't hold for what the leaf gets through it.
 *
 * Hooks run in the grad mode of the walk: recorded if that has create_graph. What they make dies with
 * the call. An error that a hook leaves pending ends the walk. They live as long as the leaf, or
 * the graph's node; hooks on what an op then changes in place stay with the value before.
 *
 * Threads: hooks are added and removed while no other thread walks over the tensor. A leaf with
 * hooks takes the gradients of one thread at a time: the walk of another is refused (HONE_E_STATE).
 */
#ifndef HONE_HOOKS_H
#define HONE_HOOKS_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Gets the gradient, which it may not write to. Returns what takes its place, [same as grad], or NULL to
 * leave it. */
typedef hone_tensor *(*hone_grad_hook)(hone_tensor *grad, void *user);
/** Gets the leaf when its .grad is complete; it may change or drop that, or the leaf. */
typedef hone_status (*hone_post_accumulate_grad_hook)(hone_tensor *leaf, void *user);

/** Adds a hook on t's gradient; each gets what the one before returned. Also for
 * hone_autograd_grad(), where t is between outputs and inputs or is an input: that is given what the hooks
 * make of it.
 *  @return  a number for hone_remove_hook(); 0 on error.
 *  Errors:  HONE_E_STATE (t requires no gradient, is a view of what was modified in place since, or
 *           parts of a batch are still to come), HONE_E_NULL, HONE_E_NOMEM. In the walk: HONE_E_SHAPE,
 *           HONE_E_DTYPE (the hook's tensor isn't like the gradient), the hook's own.
 *  Source:  torch.Tensor.register_hook. */
HONE_API int64_t hone_register_hook(hone_tensor *t, hone_grad_hook hook, void *user);
/** Adds a hook that is called after a backward has added to the leaf's .grad; hone_autograd_grad()
 * calls none.
 *  @return, errors as above; HONE_E_STATE also if it is no leaf.
 *  Source:  torch.Tensor.register_post_accumulate_grad_hook. */
HONE_API int64_t hone_register_post_accumulate_grad_hook(hone_tensor *leaf,
                                                         hone_post_accumulate_grad_hook hook,
                                                         void *user);
/** Takes a hook away, also from within one. HONE_E_VALUE: t has none of that number. */
HONE_API hone_status hone_remove_hook(hone_tensor *t, int64_t hook);

/** Inner tensors keep their gradient, too: what their hooks made of it, summed over walks, in
 * hone_grad(t), without a history. Leaves do so anyway. Errors as hone_register_hook.
 *  Source:  torch.Tensor.retain_grad. */
HONE_API hone_status hone_retain_grad(hone_tensor *t);
/** True for inner tensors that were told to. */
HONE_API bool hone_retains_grad(const hone_tensor *t);

/** Anomaly mode of this thread; returns what it was. While it is on, calls note the scope
 * (HONE_SCOPE) that they are made in, and a walk whose op gives a NaN ends with HONE_E_GRADIENT:
 * the message names the forward op, its operands' shapes, that scope and which input's gradient it is.
 * Looking at each gradient takes its time: for debugging. Of a batch in shards (dist.h) the leaves'
 * own chains aren't looked at.
 *  Source:  torch.autograd.set_detect_anomaly. */
HONE_API bool hone_set_detect_anomaly(bool on);
HONE_API bool hone_anomaly_enabled(void);
HONE_API void hone_anomaly_mode_guard(const bool *previous);
/** with torch.autograd.detect_anomaly(): until this block is left by any way. */
#define HONE_DETECT_ANOMALY()                                                                      \
    __attribute__((cleanup(hone_anomaly_mode_guard), unused)) const bool HONE_CAT(                 \
        hone_detect_anomaly_, __COUNTER__) = hone_set_detect_anomaly(true)

#ifdef __cplusplus
}
#endif
#endif
