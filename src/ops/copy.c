/* copy.c: the same values in another dtype, place or order. */
#include "loops/elementwise.h"
#include "ops/common.h"

/* Cast and summed to the input's dtype and shape by the engine. */
static void same_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = dy[0];
}

static hone_tensor *copied(hone_tensor *y, hone_tensor *x)
{
    return y && hone__copy_elements(y, x) ? y : NULL;
}

static hone_tensor *contiguous_copy(hone_context *ctx, hone_tensor *x)
{
    return copied(hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape), x);
}

/* ---- to: another dtype; x itself if it has it */

typedef struct {
    hone_dtype dtype;
} to_options;

static const hone__option to_table[] = {
    HONE__OPTION(to_options, dtype, HONE__OPT_DTYPE, .required = true),
    { NULL },
};

static bool to_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const to_options *options = hone__options(ctx);
    hone_tensor *x = in[0];
    const bool same = options->dtype == (hone_dtype)x->dtype;
    return hone__give(
        out, same ? x : copied(hone__out_along(ctx, options->dtype, x->ndim, x->shape), x));
}

const hone__op hone__op_to = {
    .name = "to",
    .forward = to_forward,
    .backward = same_backward,
    .in = { { "x" } },
    .options = to_table,
    .options_bytes = sizeof(to_options),
};

hone_tensor *hone_to(hone_tensor *x, hone_dtype dtype)
{
    if (hone_dtype_size(dtype) > 0)
        return hone__call(&hone__op_to, IN(x), &(to_options){ dtype });
    hone_error_set(HONE_E_DTYPE, "to: %d is no dtype", (int)dtype);
    return NULL;
}

/* ---- clone: a contiguous copy; contiguous: only if it isn't yet */

static bool clone_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, contiguous_copy(ctx, in[0]));
}

const hone__op hone__op_clone = {
    .name = "clone", .forward = clone_forward, .backward = same_backward, .in = { { "x" } }
};
HONE__ENTRY_X(clone)

static bool contiguous_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, hone__contiguous(in[0]) ? in[0] : contiguous_copy(ctx, in[0]));
}

const hone__op hone__op_contiguous = { .name = "contiguous",
                                       .forward = contiguous_forward,
                                       .backward = same_backward,
                                       .in = { { "x" } } };
HONE__ENTRY_X(contiguous)

/* ---- copy_(x, src): overwrites x by src, which is broadcast and cast */

static bool copy_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    if (!hone__broadcast("copy_", in, n_in, &shape))
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, shape.ndim, shape.shape);
    return out[0] && hone__copy_elements(out[0], in[1]);
}

static void copy_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[1] = dy[0];
}

const hone__op hone__op_copy = {
    .name = "copy",
    .forward = copy_forward,
    .backward = copy_backward,
    .in = { { "x", HONE__CONSTANT }, { "src" } },
    .forms = HONE__IN_PLACE,
};
HONE__ENTRY_XX_(copy, x, src)

/* ---- fill_(x, value): overwrites x by a number that its dtype can hold */

typedef struct {
    double value;
} fill_options;

static const hone__option fill_table[] = {
    HONE__OPTION(fill_options, value, HONE__OPT_FLOAT, .required = true),
    { NULL },
};

static bool fill_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    const double value = ((const fill_options *)hone__options(ctx))->value;
    if (!hone__number_fits("fill_", dtype, value))
        return false;
    out[0] = hone__out(ctx, 0, dtype, in[0]->ndim, in[0]->shape);
    if (out[0])
        hone__fill_elements(out[0], value);
    return out[0];
}

const hone__op hone__op_fill = {
    .name = "fill",
    .forward = fill_forward,
    .in = { { "x" } },
    .options = fill_table,
    .options_bytes = sizeof(fill_options),
    .forms = HONE__IN_PLACE,
    .why = "the result does not depend on x",
};

hone_tensor *hone_fill_(hone_tensor *x, double value)
{
    return hone__call_(&hone__op_fill, IN(x), &(fill_options){ value });
}

hone_tensor *hone_zero_(hone_tensor *x)
{
    return hone_fill_(x, 0.0);
}
