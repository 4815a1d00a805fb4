/* copy.c: the same values in another dtype, place or order. */
#include "ops/elementwise.h"
#include "ops/op.h"

static hone_tensor *grad_same(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)ctx, (void)input;
    return dy; /* cast and summed to the input's dtype and shape by the engine */
}

static hone_tensor *copy_as(hone_context *ctx, hone_tensor *x, hone_dtype dtype)
{
    hone_tensor *out = hone__out(ctx, dtype, x->ndim, x->shape);
    return out && hone__copy_elements(out, x) ? out : NULL;
}

/* ---- to: another dtype; x itself if it has it */

static hone_tensor *to_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_dtype dtype = (hone_dtype)hone__call_args(ctx)->dtype;
    return dtype == (hone_dtype)in[0]->dtype ? in[0] : copy_as(ctx, in[0], dtype);
}

const hone__op hone__op_to = { .name = "to", .forward = to_forward, .grad = { grad_same } };

/* ---- clone: a contiguous copy; contiguous: only if it isn't yet */

static hone_tensor *clone_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return copy_as(ctx, in[0], (hone_dtype)in[0]->dtype);
}

const hone__op hone__op_clone = { .name = "clone",
                                  .forward = clone_forward,
                                  .grad = { grad_same } };

static hone_tensor *contiguous_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone__contiguous(in[0]) ? in[0] : copy_as(ctx, in[0], (hone_dtype)in[0]->dtype);
}

const hone__op hone__op_contiguous = { .name = "contiguous",
                                       .forward = contiguous_forward,
                                       .grad = { grad_same } };

/* ---- copy_(x, src): overwrites x by src, which is broadcast and cast */

static hone_tensor *copy_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone__shape shape;
    if (!hone__broadcast("copy_", in, n_in, &shape))
        return NULL;
    hone_tensor *out = hone__out(ctx, (hone_dtype)in[0]->dtype, shape.ndim, shape.shape);
    return out && hone__copy_elements(out, in[1]) ? out : NULL;
}

const hone__op hone__op_copy = { .name = "copy",
                                 .forward = copy_forward,
                                 .grad = { NULL, grad_same } };

/* ---- fill_(x, value): overwrites x by a number that its dtype can hold */

static hone_tensor *fill_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    const double value = hone__call_args(ctx)->s[0];
    if (!hone__number_fits("fill_", dtype, value))
        return NULL;
    hone_tensor *out = hone__out(ctx, dtype, in[0]->ndim, in[0]->shape);
    if (out)
        hone__fill_elements(out, value);
    return out;
}

const hone__op hone__op_fill = { .name = "fill", .forward = fill_forward };
