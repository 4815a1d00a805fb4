/** @file autocast.h
 * Mixed precision: products of bf16, everything else of f32.
 *
 *      HONE_AUTOCAST(HONE_BF16);                 // until this block is left
 *      hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
 *      hone_backward(loss);                      // in the scope or after it
 *
 * What runs in which dtype is PyTorch's list for CPUs; hone_op_autocast() tells it of an op, `hone
 * ops` prints it:
 *  - lower: products (matmul, linear, convolutions, attention, recurrences, prelu) take their f32
 *    operands rounded to the dtype of the scope, sum in f32 and round the result once;
 *  - f32: losses and a few more take operands of 16 bits as f32, and their result is f32;
 *  - widest: cat, stack and index_copy take the widest dtype of their operands;
 *  - the others run in what they are given: of bf16 in f32, rounded once.
 *
 * The modules' weights stay f32, and so do their gradients, which are f32 sums of products of bf16
 * that nobody rounds in between, one chain a parameter as ever (contract 7: any cut of the batch);
 * a weight is rounded once while the scope lasts, one beside large operands for each product and in the
 * backward, which refuses it if it was changed. What else the backward needs is kept in 16 bits.
 *
 * Products of bf16 sum in f32 in an order that is part of the program, like a dtype, and holds on
 * every CPU; denormal operands and sums count as zeros:
 *  - HONE_PAIRS: one chain of fused multiply-adds over all that is summed. It is what x86's
 *    vdpbf16ps does two at a time;
 *  - HONE_TILES: of each 32 elements a chain of the even ones and one of the odd ones; their sum is
 *    added to what came before. It is what AMX's TDPBF16PS does. A weight's gradient, a sum over
 *    samples, is in tiles if a sample has a multiple of 32 positions, or 256 or more (then each
 *    sample begins tiles anew); if not it is a chain, as tiles would show where a batch is cut. A
 *    convolution's is in tiles, which each sample begins anew, if one has 16 places or more. Where a
 *    CPU has AMX the first use asks the system for it, after which it wants larger stacks of
 *    sigaltstack; refused, plain FMAs give the same bits.
 * Recurrences are such products (a state is rounded where a step ends; cells and gates are f32), and
 * so are attention (its weights are rounded where they multiply) and convolutions of two dims and one
 * group with up to 64 taps; in HONE_PAIRS those alone that Winograd's form doesn't suit, and the
 * gradient by the weight over fewer than 144 places a sample. What has no product of its own kind
 * (other convolutions, and all of f16) computes in f32 with operands that were rounded to 16 bits, in
 * f32's order. */
#ifndef HONE_AUTOCAST_H
#define HONE_AUTOCAST_H

#include <hone/dtype.h>
#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** with torch.autocast("cpu", dtype): until this block is left by any way. HONE_F32: off. */
#define HONE_AUTOCAST(dtype)                                                                       \
    __attribute__((cleanup(hone_autocast_guard), unused)) const hone_dtype HONE_CAT(               \
        hone_autocast_, __COUNTER__) = hone_set_autocast(dtype)

/** Turns it on for the calling thread (HONE_BF16, HONE_F16) or off (HONE_F32); gives back what was.
 * What is kept of rounded weights goes when it is turned off.
 *  Errors:  HONE_E_DTYPE (any other dtype: nothing is changed). */
HONE_API hone_dtype hone_set_autocast(hone_dtype dtype);
/** HONE_F32: off. */
HONE_API hone_dtype hone_autocast(void);
/** For HONE_AUTOCAST. */
HONE_API void hone_autocast_guard(const hone_dtype *previous);

/** The order of sums of products of bf16. */
typedef enum { HONE_PAIRS, HONE_TILES } hone_order;

/** Until this block is left by any way. A backward sums as its forward did. */
#define HONE_BF16_ORDER(order)                                                                     \
    __attribute__((cleanup(hone_bf16_order_guard), unused)) const hone_order HONE_CAT(             \
        hone_bf16_order_, __COUNTER__) = hone_set_bf16_order(order)

/** Sets it for the calling thread; gives back what was. Threads begin with HONE_PAIRS, or what the
 * environment's HONE_BF16_ORDER (pairs, tiles) says.
 *  Errors:  HONE_E_VALUE (neither of the two: nothing is changed). */
HONE_API hone_order hone_set_bf16_order(hone_order order);
HONE_API hone_order hone_bf16_order(void);
/** "pairs", "tiles"; NULL and E_VALUE for another. */
HONE_API const char *hone_order_name(hone_order order);
/** For HONE_BF16_ORDER. */
HONE_API void hone_bf16_order_guard(const hone_order *previous);

/** What autocast does with the operands of an op: "lower", "f32", "widest", or "" (it runs in what
 * it is given). "" for an unknown op, with HONE_E_VALUE. */
HONE_API const char *hone_op_autocast(const char *op);
/** How an op runs on operands of bf16 or f16, in a few words. "" for an unknown op, with
 * HONE_E_VALUE. */
HONE_API const char *hone_op_halves(const char *op);

#ifdef __cplusplus
}
#endif
#endif
