/* masked.c: masked_fill, and clamp between tensors: what stays, and what another value takes the place
 * of. */
#include "loops/elementwise.h"
#include "ops/common.h"

/* ---- masked_fill: value where the mask is set, else x */

static bool filled(hone_context *ctx, hone_tensor *const *in, hone__operand value,
                   hone_tensor **out)
{
    hone_tensor *x = in[0], *mask = in[1];
    hone__shape shape;
    if (mask->dtype != HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "%s: the mask is %s, bool is wanted", hone__call_name(ctx),
                       hone__tensor_text(mask).s);
        return false;
    }
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape) || !HONE__SAVE(ctx, mask))
        return false;
    const hone_dtype dtype = (hone_dtype)x->dtype;
    const hone__elementwise_kernel kernel = hone__where_kernel(dtype);
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    return out[0] && hone__elementwise(&kernel, out[0],
                                       (hone__operand[]){ { .t = mask }, value, { .t = x } });
}

static bool masked_fill_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)n_in;
    if (in[2]->ndim > 0) {
        hone_error_set(HONE_E_SHAPE, "masked_fill: the value is %s, a 0-d tensor is wanted",
                       hone__tensor_text(in[2]).s);
        return false;
    }
    hone_tensor *value = hone_to(in[2], (hone_dtype)in[0]->dtype);
    return value && filled(ctx, in, (hone__operand){ .t = value }, out);
}

static bool masked_fill_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                       hone_tensor **out)
{
    (void)n_in;
    const double s = hone__number_of(ctx);
    return hone__number_fits("masked_fill_scalar", (hone_dtype)in[0]->dtype, s) &&
           filled(ctx, in, (hone__operand){ .number = s }, out);
}

static void masked_fill_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *mask = hone_saved(ctx, 0);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_masked_fill_scalar(dy[0], mask, 0);
    if (hone__input_count(ctx) > 2 && hone_needs_input_grad(ctx, 2))
        dx[2] = hone_where(mask, dy[0], hone_scalar(hone_dtype_of(dy[0]), 0));
}

const hone__op hone__op_masked_fill = {
    .name = "masked_fill",
    .forward = masked_fill_forward,
    .backward = masked_fill_backward,
    .in = { { "x" }, { "mask", HONE__CONSTANT }, { "value" } },
    .forms = HONE__BOTH,
};
HONE__ENTRY_XXX(masked_fill, x, mask, value)

hone_tensor *hone_masked_fill_(hone_tensor *x, hone_tensor *mask, hone_tensor *value)
{
    return hone__call_(&hone__op_masked_fill, IN(x, mask, value), NULL);
}

const hone__op hone__op_masked_fill_scalar = {
    .name = "masked_fill_scalar",
    .forward = masked_fill_scalar_forward,
    .backward = masked_fill_backward,
    .in = { { "x" }, { "mask", HONE__CONSTANT } },
    .options = hone__number_table,
    .options_bytes = sizeof(hone__number_options),
    .forms = HONE__BOTH,
};

hone_tensor *hone_masked_fill_scalar(hone_tensor *x, hone_tensor *mask, double s)
{
    return hone__call(&hone__op_masked_fill_scalar, IN(x, mask), &(hone__number_options){ s });
}

hone_tensor *hone_masked_fill_scalar_(hone_tensor *x, hone_tensor *mask, double s)
{
    return hone__call_(&hone__op_masked_fill_scalar, IN(x, mask), &(hone__number_options){ s });
}

/* ---- clamp_tensor: min(max(x, min), max), either of them or both */

static bool clamp_tensor_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    hone_tensor *x = in[0], *min = in[1], *max = in[2];
    const bool has_min = min != HONE_NONE, has_max = max != HONE_NONE;
    if (!has_min && !has_max) {
        hone_error_set(HONE_E_VALUE, "clamp_tensor: neither min nor max is given");
        return false;
    }
    const hone_dtype dtype = hone__result_dtype(in, n_in);
    hone_tensor *y = hone_to(x, dtype);
    y = has_min ? hone_maximum(y, hone_to(min, dtype)) : y;
    y = has_max ? hone_minimum(y, hone_to(max, dtype)) : y;
    return HONE__SAVE(ctx, x, min, max) && hone__give(out, y);
}

static hone_tensor *passed(hone_tensor *mask, hone_tensor *dy)
{
    return hone_where(mask, dy, hone_scalar(hone_dtype_of(dy), 0));
}

/* To x between the limits, both included; else to the one that was taken: to max where it is less
 * than min, too. */
static void clamp_tensor_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *min = hone_saved(ctx, 1), *max = hone_saved(ctx, 2);
    const bool has_min = min != HONE_NONE, has_max = max != HONE_NONE;
    if (hone_needs_input_grad(ctx, 0)) {
        hone_tensor *low = has_min ? hone_ge(x, min) : NULL;
        hone_tensor *high = has_max ? hone_le(x, max) : NULL;
        dx[0] = passed(!has_max ? low : !has_min ? high : hone_mul(low, high), dy[0]);
    }
    if (has_min && hone_needs_input_grad(ctx, 1)) {
        hone_tensor *below = hone_lt(x, min);
        dx[1] = passed(has_max ? hone_mul(below, hone_lt(min, max)) : below, dy[0]);
    }
    if (has_max && hone_needs_input_grad(ctx, 2)) {
        hone_tensor *above = hone_gt(x, max);
        dx[2] = passed(has_min ? hone_add(above, hone_lt(max, min)) : above, dy[0]);
    }
}

const hone__op hone__op_clamp_tensor = {
    .name = "clamp_tensor",
    .forward = clamp_tensor_forward,
    .backward = clamp_tensor_backward,
    .in = { { "x" }, { "min", HONE__OPTIONAL }, { "max", HONE__OPTIONAL } },
};
HONE__ENTRY_XXX(clamp_tensor, x, min, max)
