/** @file accumulate.h
 * A batch in parts: the same bits as at once, in less memory.
 *
 *      hone_optim_zero_grad(optim);
 *      hone_accumulate_begin(hone_size(x, 0));                     // samples of the whole batch
 *      for (int64_t i = 0; i < n; i += 8) {
 *          HONE_SCOPE();
 *          hone_accumulate_part(8);                                // samples of the next part
 *          hone_tensor *y = hone_forward(model, hone_slice(x, 0, i, i + 8, 1));
 *          hone_backward(hone_cross_entropy(y, hone_slice(target, 0, i, i + 8, 1)));
 *      }
 *      hone_tensor *loss = hone_accumulate_end();                  // of the whole batch
 *      hone_optim_step(optim);
 *
 * Parts may be of any size, one for all included: gradients, the loss and what is drawn have the
 * same bits for every cut, and those of one walk over the whole batch without all this (autograd.h).
 * What it does besides counting samples:
 *  - a loss that a gradient is wanted of (hone_cross_entropy, those of net.h with the mean as their
 *    reduction) divides by what the whole batch has; the value that it gives in a part is the
 *    part's share. hone_mean() is never rescaled. Every part
 *    calls the same losses in the same order;
 *  - hone_rand, randn and randint of tensors whose dim 0 is the part's samples, and dropout of such,
 *    have what stands at their place in the whole batch; each part begins where this thread's
 *    generator stood at hone_accumulate_begin();
 *  - each use of a parameter has a sum of its own until the end, so that tied weights keep the
 *    promise: (uses - 1) tensors like the parameter. A recurrence unrolled by hand pays this a step.
 *    Several walks in a part (two losses, a GAN's) count on; every part makes the same ones.
 *
 * Until the end the gradients of leaves that parts have added to aren't whole: hone_grad,
 * hone_set_grad, optimizer steps and zero_grad refuse them (HONE_E_STATE).
 *
 * A mean over positions that don't all count alike (class weights, ignored targets) is refused unless
 * hone_accumulate_targets() has told the targets of the whole batch: its divisor isn't known
 * before the last part. What can't keep it: see autograd.h. All of it is the calling thread's own; threads that
 * accumulate at the same time may not share leaves. */
#ifndef HONE_ACCUMULATE_H
#define HONE_ACCUMULATE_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Announces a batch of so many samples.
 *  Errors: HONE_E_VALUE (fewer than one), HONE_E_STATE (one is open on this thread). */
HONE_API hone_status hone_accumulate_begin(int64_t samples);
/** Tells the classes of all its samples, [samples, ..] of integers, to losses whose mean divides by what
 * the targets weigh (class weights, ignored targets): that is their sum over these, in order. The
 * tensor is kept until the end; each part's targets must be its samples' of these.
 *  Errors: HONE_E_STATE (no batch is open, or a part has begun), HONE_E_SHAPE, HONE_E_DTYPE,
 *          HONE_E_NULL. */
HONE_API hone_status hone_accumulate_targets(hone_tensor *targets);
/** Begins its next part.
 *  Errors: HONE_E_VALUE (fewer than one sample), HONE_E_STATE (no batch is open, or more samples
 *          than were announced). */
HONE_API hone_status hone_accumulate_part(int64_t samples);
/** Ends it, also after a failure.
 *  @return the losses of all samples, summed in their order as hone_sum does and divided by their
 *          number, 0-d; of several losses the sum in the order of the calls; HONE_NONE if there was
 *          none. NULL on error: HONE_E_STATE (no batch is open; fewer samples came than were
 *          announced: then the gradients are those of the samples that came), HONE_E_NOMEM. */
HONE_API hone_tensor *hone_accumulate_end(void);

#ifdef __cplusplus
}
#endif
#endif
