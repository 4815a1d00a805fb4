/* op.h: what one op is, and what its block in src/ops/<family>.c is made of.
 *
 * An op is a const hone__op named hone__op_<name> (shape and dtype rule + forward on raw tensors,
 * gradients in public ops) and one line in ops.def. src/autograd makes the public entry point
 * hone_<name>() from that line: it checks for NULL, runs the forward without recording, and records
 * a node if an input requires a gradient. In-place forms (hone_<name>_) come from the same block.
 *
 *   forward(ctx, in, n_in)  returns a tensor from hone__out() or a view of an input. Saves what the
 *                           gradient needs: inputs BEFORE hone__out() is called, the output after
 *                           it is written.
 *   grad[i](ctx, dy, i)     d loss / d in[i], made of public ops; called only for inputs that need
 *                           it. The engine sums over broadcast dims and casts to the input's dtype.
 *                           HONE_NONE: zero, without computing it. A NULL entry: not
 *                           differentiable in that input.
 */
#ifndef HONE_OPS_OP_H
#define HONE_OPS_OP_H

#include "core/core.h"

#include <hone/autograd.h>
#include <hone/ops.h>

/** An op's arguments that are not tensors; copied into its node. */
typedef struct {
    double s[4];              /* scalars */
    int64_t i[HONE_MAX_DIMS]; /* dims or extents: what a dims..END list holds */
    int64_t j[3];             /* start, end, step of a slice; index of a select in j[0] */
    int32_t n;                /* how many of i */
    int32_t dim, dim2;        /* a dim or two, as the user gave them (not yet checked) */
    bool flag;                /* keepdim ... */
    uint8_t dtype;            /* hone_dtype */
} hone__args;

typedef hone_tensor *(*hone__forward)(hone_context *ctx, hone_tensor *const *in, int n_in);
typedef hone_tensor *(*hone__grad)(hone_context *ctx, hone_tensor *dy, int input);

#define HONE__OP_GRADS 3
typedef struct {
    const char *name;
    hone__forward forward;
    /* NULL, or what every grad below gets as dy, made from the incoming dy once */
    hone_tensor *(*shared)(hone_context *ctx, hone_tensor *dy);
    hone__grad
        grad[HONE__OP_GRADS]; /* by input; inputs past the array use the last entry (cat, index) */
    /* NULL, or the two matrices whose product grad[input] is, over all its rows: the engine adds it
     * to a sum in place. False: this one is no such product (or an error) */
    bool (*factors)(hone_context *ctx, hone_tensor *dy, int input, hone_tensor *factor[2]);
    bool view;     /* the output shares the first input's storage */
    bool optional; /* inputs may be HONE_NONE */
} hone__op;

/* Every op's block, by the list. */
#define HONE_OP(name, signature, inplace) extern const hone__op hone__op_##name;
#include "ops/ops.def"
#undef HONE_OP

/** The call's arguments / the op's name, for forward and grad. */
hone__args *hone__call_args(hone_context *ctx);
const char *hone__call_name(const hone_context *ctx);

/** The result tensor of a forward: fresh and uninitialised (contiguous), or for an in-place call
 * in[0] itself (shape must equal; the result dtype must be castable in PyTorch's sense: same
 * category; the kernels write in[0]'s own dtype, so check hone_dtype_of(out)). */
hone_tensor *hone__out(hone_context *ctx, hone_dtype dtype, int ndim, const int64_t *shape);
/** True if the call is recorded, so that what is saved will be of use. */
bool hone__records(const hone_context *ctx);
/** Saves n tensors; a no-op when nothing is recorded. False: out of memory. */
bool hone__save(hone_context *ctx, int n, hone_tensor *const *tensors);
#define HONE__SAVE(ctx, ...)                                                                       \
    hone__save(ctx, (int)(sizeof((hone_tensor *[]){ __VA_ARGS__ }) / sizeof(hone_tensor *)),       \
               (hone_tensor *[]){ __VA_ARGS__ })
/** Shape of input i at the time of the call, kept in the node for every input, saved or not. */
const hone__shape *hone__input_shape(const hone_context *ctx, int i);

/** Runs an op: the one way in for entry points, also for ops that are not public. args may be NULL.
 */
hone_tensor *hone__call(const hone__op *op, hone_tensor *const *in, int n_in,
                        const hone__args *args, bool in_place);

#endif
