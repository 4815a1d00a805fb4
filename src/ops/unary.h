/* unary.h: blocks of ops that apply a kernel to each element of one tensor. */
#ifndef HONE_OPS_UNARY_H
#define HONE_OPS_UNARY_H

#include "loops/elementwise.h"
#include "ops/common.h"

/** What the gradient is made from. */
typedef enum { HONE__KEEP_NOTHING, HONE__KEEP_INPUT, HONE__KEEP_OUTPUT } hone__kept;

/** The kernel's results, of that dtype, as output 0. NULL on error. (A kernel is handed on by its
 * address: a copy of what was stored a moment ago field by field waits for the stores.) */
hone_tensor *hone__unary_run(hone_context *ctx, hone_tensor *x, hone_dtype dtype,
                             const hone__elementwise_kernel *kernel, hone__kept keep);
/** ... of kernel k of kernels.def into the reals: integers and bool give f32. */
hone_tensor *hone__unary_real(hone_context *ctx, hone_tensor *x, int k, hone__kept keep);
/** ... in x's dtype; bool has no arithmetic. */
hone_tensor *hone__unary_number(hone_context *ctx, hone_tensor *x, int k, hone__kept keep);

/** The block of a function <op>, whose <op>_backward stands above it: of a forward that gives a tensor
 * or NULL / into the reals / in the dtype. */
#define HONE__UNARY_BLOCK(op, forward_, forms_)                                                    \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, forward_);                                                          \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "x" } },                                                                         \
        .forms = forms_,                                                                           \
    };                                                                                             \
    HONE__ENTRY_X(op)
#define HONE__REAL_OP_FRESH(op, k, keep)                                                           \
    HONE__UNARY_BLOCK(op, hone__unary_real(ctx, in[0], k, keep), HONE__FRESH)
#define HONE__REAL_OP(op, k, keep)                                                                 \
    HONE__UNARY_BLOCK(op, hone__unary_real(ctx, in[0], k, keep), HONE__BOTH)                       \
    HONE__ENTRY_X_(op)
#define HONE__NUMBER_OP(op, k, keep)                                                               \
    HONE__UNARY_BLOCK(op, hone__unary_number(ctx, in[0], k, keep), HONE__BOTH)                     \
    HONE__ENTRY_X_(op)

#endif
