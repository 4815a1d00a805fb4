/* fold.c: unfold and fold, each the other's gradient. */
#include "core/reserve.h"
#include "loops/columns.h"
#include "op/options.h"
#include "ops/common.h"

typedef struct {
    hone_unfold_options o;
    int64_t height, width; /* of the image that fold makes */
} options;

#define FIELD(name_, field, kind_, ...)                                                            \
    {                                                                                              \
        .name = name_, .kind = kind_, .offset = offsetof(options, field), .max = INT32_MAX,        \
        __VA_ARGS__                                                                                \
    }
#define WINDOWS                                                                                    \
    FIELD("kernel_size", o.kernel_size, HONE__OPT_PAIR, .required = true, .min = 1),               \
        FIELD("dilation", o.dilation, HONE__OPT_PAIR, .standard = 1, .min = 1),                    \
        FIELD("padding", o.padding, HONE__OPT_PAIR, .min = 0),                                     \
        FIELD("stride", o.stride, HONE__OPT_PAIR, .standard = 1, .min = 1)
static const hone__option unfold_table[] = { WINDOWS, { NULL } };
static const hone__option fold_table[] = {
    FIELD("height", height, HONE__OPT_INT, .required = true, .min = 1),
    FIELD("width", width, HONE__OPT_INT, .required = true, .min = 1),
    WINDOWS,
    { NULL },
};

static bool is_float(hone_context *ctx, const hone_tensor *x)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                   hone__call_name(ctx), hone__tensor_text(x).s);
    return false;
}

/* The windows of an image of height x width. */
static bool take_axes(hone_context *ctx, int64_t height, int64_t width, hone__pool_axis *axis)
{
    const hone_unfold_options *o = &((const options *)hone__options(ctx))->o;
    const int64_t extent[] = { height, width };
    for (int d = 0; d < 2; d++) {
        hone__pool_axis *a = axis + d;
        *a = (hone__pool_axis){ .extent = extent[d],
                                .kernel = o->kernel_size[d],
                                .stride = o->stride[d],
                                .padding = o->padding[d],
                                .dilation = o->dilation[d] };
        const bool sane = a->extent <= INT32_MAX;
        const int64_t room = a->extent + 2 * a->padding - a->dilation * (a->kernel - 1) - 1;
        if (sane && room >= 0) {
            a->windows = room / a->stride + 1;
            continue;
        }
        hone_error_set(HONE_E_SHAPE,
                       "%s: a kernel of %lld x %lld with dilation (%lld, %lld) doesn't fit into an "
                       "image of %lld x %lld with padding (%lld, %lld)",
                       hone__call_name(ctx), (long long)o->kernel_size[0],
                       (long long)o->kernel_size[1], (long long)o->dilation[0],
                       (long long)o->dilation[1], (long long)height, (long long)width,
                       (long long)o->padding[0], (long long)o->padding[1]);
        return false;
    }
    return true;
}

/* ---- unfold */

static bool unfold_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone_tensor *x = in[0];
    hone__pool_axis axis[2];
    (void)n_in;
    if (!is_float(ctx, x))
        return false;
    const int lead = x->ndim - 3;
    if ((lead != 0 && lead != 1) || x->shape[lead] == 0 || x->shape[lead + 1] == 0 ||
        x->shape[lead + 2] == 0) {
        hone_error_set(HONE_E_SHAPE,
                       "unfold: x is %s, but [N, C, H, W] or [C, H, W] is wanted, of which only N "
                       "may be 0",
                       hone__tensor_text(x).s);
        return false;
    }
    if (!take_axes(ctx, x->shape[lead + 1], x->shape[lead + 2], axis))
        return false;
    int64_t shape[] = { x->shape[0], 0, axis[0].windows * axis[1].windows };
    if (__builtin_mul_overflow(x->shape[lead], axis[0].kernel * axis[1].kernel, &shape[1])) {
        hone_error_set(HONE_E_SHAPE, "unfold: %lld x %lld elements of %lld channels are too many",
                       (long long)axis[0].kernel, (long long)axis[1].kernel,
                       (long long)x->shape[lead]);
        return false;
    }
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, 2 + lead, shape + 1 - lead);
    if (y && y->numel > 0)
        hone__unfold(x, axis, y);
    return y;
}

static void unfold_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    options o = *(const options *)hone__options(ctx);
    o.height = x->shape[x->ndim - 2];
    o.width = x->shape[x->ndim - 1];
    dx[0] = hone__call(&hone__op_fold, IN(dy[0]), &o);
}

const hone__op hone__op_unfold = {
    .name = "unfold",
    .forward = unfold_forward,
    .backward = unfold_backward,
    .in = { { "x" } },
    .options = unfold_table,
    .options_bytes = sizeof(options),
};

hone_tensor *hone_unfold(hone_tensor *x, const hone_unfold_options *o)
{
    const options given = { .o = o ? *o : (hone_unfold_options){ .stride = { 0 } } };
    options plain;
    return HONE__KNOWS_OPTIONS("unfold", o) &&
                   hone__options_resolve(&hone__op_unfold, &given, &plain)
               ? hone__call(&hone__op_unfold, IN(x), &plain)
               : NULL;
}

/* ---- fold */

static bool fold_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const options *o = hone__options(ctx);
    const hone_tensor *x = in[0];
    hone__pool_axis axis[2];
    (void)n_in;
    if (!is_float(ctx, x) || !take_axes(ctx, o->height, o->width, axis))
        return false;
    const int lead = x->ndim - 2;
    const int64_t taps = axis[0].kernel * axis[1].kernel, n = axis[0].windows * axis[1].windows;
    if ((lead != 0 && lead != 1) || x->shape[lead] == 0 || x->shape[lead] % taps != 0 ||
        x->shape[lead + 1] != n) {
        hone_error_set(HONE_E_SHAPE,
                       "fold: x is %s, but [N, C, L] or [C, L] with C a multiple of %lld x %lld "
                       "and L = %lld x %lld = %lld windows is wanted",
                       hone__tensor_text(x).s, (long long)axis[0].kernel, (long long)axis[1].kernel,
                       (long long)axis[0].windows, (long long)axis[1].windows, (long long)n);
        return false;
    }
    const int64_t shape[] = { x->shape[0], x->shape[lead] / taps, o->height, o->width };
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, 3 + lead, shape + 1 - lead);
    hone_tensor *columns = y ? hone_contiguous(in[0]) : NULL;
    if (columns && y->numel > 0)
        hone__fold(columns, axis, y);
    return columns;
}

static void fold_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone__call(&hone__op_unfold, IN(dy[0]), hone__options(ctx));
}

const hone__op hone__op_fold = {
    .name = "fold",
    .forward = fold_forward,
    .backward = fold_backward,
    .in = { { "x" } },
    .options = fold_table,
    .options_bytes = sizeof(options),
};

hone_tensor *hone_fold(hone_tensor *x, int64_t height, int64_t width, const hone_unfold_options *o)
{
    const options given = { o ? *o : (hone_unfold_options){ .stride = { 0 } }, height, width };
    options plain;
    return HONE__KNOWS_OPTIONS("fold", o) && hone__options_resolve(&hone__op_fold, &given, &plain)
               ? hone__call(&hone__op_fold, IN(x), &plain)
               : NULL;
}
