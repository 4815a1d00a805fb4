/* pad.c: pad. With a constant it is an op of its own, whose gradient cuts what it adds and adds what
 * it cuts; the other modes take elements by an index along each dim, and record themselves. */
#include "loops/elementwise.h"
#include "ops/common.h"

typedef struct {
    hone__shape pad; /* before and after the last dim, the one before it ... */
    double value;
    int mode; /* hone_pad_mode */
} pad_options;

static const char *const modes[] = { "constant", "reflect", "replicate", "circular", NULL };
static const hone__option pad_table[] = {
    HONE__OPTION(pad_options, pad, HONE__OPT_DIMS, .required = true),
    HONE__OPTION(pad_options, mode, HONE__OPT_CHOICE, .choices = modes),
    HONE__OPTION(pad_options, value, HONE__OPT_FLOAT),
    { NULL },
};

/* What is added along a dim; below 0 it is cut off. */
typedef struct {
    int64_t before, after;
} side;

static side side_of(const pad_options *o, const hone_tensor *x, int dim)
{
    const int pair = x->ndim - 1 - dim;
    return 2 * pair < o->pad.ndim ? (side){ o->pad.shape[2 * pair], o->pad.shape[2 * pair + 1] }
                                  : (side){ 0, 0 };
}

/* What is cut off. */
static int64_t cut(int64_t added)
{
    return added < 0 ? -added : 0;
}

static bool refuse(const char *why, const hone_tensor *x, int dim, side s)
{
    hone_error_set(HONE_E_SHAPE, "pad: %lld before and %lld after dim %d of %s: %s",
                   (long long)s.before, (long long)s.after, dim, hone__tensor_text(x).s, why);
    return false;
}

/* Can dim be padded so? Its extent afterwards is `*to`. */
static bool fits(const pad_options *o, const hone_tensor *x, int dim, int64_t *to)
{
    const side s = side_of(o, x, dim);
    const int64_t extent = x->shape[dim], least = s.before < s.after ? s.before : s.after;
    const int64_t most = s.before > s.after ? s.before : s.after;
    if (least < -INT32_MAX || most > INT32_MAX)
        return refuse("that is more than 2^31 - 1", x, dim, s);
    *to = extent + s.before + s.after;
    if (cut(s.before) + cut(s.after) > extent)
        return refuse("that cuts off more than there is", x, dim, s);
    if (o->mode == HONE_PAD_CONSTANT || (s.before == 0 && s.after == 0))
        return true;
    if (*to < 1 || extent < 1)
        return refuse("nothing would be left", x, dim, s);
    if (o->mode == HONE_PAD_REFLECT && most >= extent)
        return refuse("a reflection has less elements than the dim", x, dim, s);
    if (o->mode == HONE_PAD_CIRCULAR && most > extent - cut(s.before) - cut(s.after))
        return refuse("that would wrap around more than once", x, dim, s);
    return true;
}

static bool suits_pad(const pad_options *o, const hone_tensor *x)
{
    int64_t to;
    if (o->pad.ndim % 2 || o->pad.ndim > 2 * x->ndim) {
        hone_error_set(
            HONE_E_SHAPE,
            "pad: %d numbers were given for %s, two for each of its last dims are wanted",
            o->pad.ndim, hone__tensor_text(x).s);
        return false;
    }
    if (o->mode < HONE_PAD_CONSTANT || o->mode > HONE_PAD_CIRCULAR) {
        hone_error_set(HONE_E_VALUE, "pad: mode is %d, a hone_pad_mode is wanted", o->mode);
        return false;
    }
    for (int d = 0; d < x->ndim; d++)
        if (!fits(o, x, d, &to))
            return false;
    return true;
}

/* ---- with a constant */

/* What x and its padded form have in common, as views of both; of the padded one if `padded`. */
static hone_tensor *shared(const pad_options *o, const hone_tensor *x, hone_tensor *of, bool padded)
{
    for (int d = 0; d < x->ndim; d++) {
        const side s = side_of(o, x, d);
        const int64_t from = padded ? cut(-s.before) : cut(s.before);
        const int64_t n = x->shape[d] - cut(s.before) - cut(s.after);
        of = hone_slice(of, d, from, from + n, 1);
    }
    return of;
}

static bool pad_constant_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    const pad_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    hone__shape shape = hone__shape_of(x);
    for (int d = 0; d < x->ndim; d++)
        if (!fits(o, x, d, &shape.shape[d]))
            return false;
    if (!hone__number_fits("pad", (hone_dtype)x->dtype, o->value))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    if (!y)
        return false;
    hone__fill_elements(y, o->value);
    hone_tensor *from = shared(o, x, x, false), *to = shared(o, x, y, true);
    return from && to && hone__copy_elements(to, from);
}

static void pad_constant_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    pad_options back = *(const pad_options *)hone__options(ctx);
    back.value = 0;
    for (int i = 0; i < back.pad.ndim; i++)
        back.pad.shape[i] = -back.pad.shape[i];
    dx[0] = hone__call(&hone__op_pad_constant, IN(dy[0]), &back);
}

const hone__op hone__op_pad_constant = {
    .name = "pad",
    .forward = pad_constant_forward,
    .backward = pad_constant_backward,
    .in = { { "x" } },
    .options = pad_table,
    .options_bytes = sizeof(pad_options),
    .forms = HONE__PRIVATE,
};

/* ---- by indices */

/* The element of x that stands at place `at` (below 0: before it) in the mode. */
static int64_t source(int mode, int64_t at, int64_t extent, side s)
{
    if (mode == HONE_PAD_REFLECT)
        return at < 0 ? -at : at < extent ? at : 2 * (extent - 1) - at;
    if (mode == HONE_PAD_REPLICATE)
        return at < 0 ? 0 : at < extent ? at : extent - 1;
    const int64_t from = cut(s.before), n = extent - from - cut(s.after);
    return (at - from + n) % n + from;
}

static hone_tensor *pad_dim(const pad_options *o, hone_tensor *x, int dim)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    const side s = side_of(o, x, dim);
    hone_tensor *index = hone_empty(HONE_I64, x->shape[dim] + s.before + s.after);
    for (int64_t i = 0; index && i < index->numel; i++)
        ((int64_t *)hone__data(index))[i] = source(o->mode, i - s.before, x->shape[dim], s);
    for (int d = 0; d < dim; d++)
        list[d] = HONE_NONE;
    list[dim] = index;
    list[dim + 1] = HONE_END_TENSOR;
    return hone_index_v(x, list);
}

static bool pad_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const pad_options *o = hone__options(ctx);
    hone_tensor *y = in[0];
    if (!suits_pad(o, y))
        return false;
    if (o->mode == HONE_PAD_CONSTANT)
        return hone__give(out, hone__call(&hone__op_pad_constant, IN(y), o));
    for (int d = 0; y && d < y->ndim; d++) {
        const side s = side_of(o, y, d);
        if (s.before != 0 || s.after != 0)
            y = pad_dim(o, y, d);
    }
    return hone__give(out, y == in[0] ? hone_clone(y) : y);
}

const hone__op hone__op_pad = {
    .name = "pad",
    .forward = pad_forward,
    .in = { { "x" } },
    .options = pad_table,
    .options_bytes = sizeof(pad_options),
    .composite = true,
};

hone_tensor *hone_pad_v(hone_tensor *x, const int64_t *pad_end, hone_pad_mode mode, double value)
{
    pad_options o = { .mode = (int)mode, .value = value };
    return hone__read_dims("pad", pad_end, &o.pad) ? hone__call(&hone__op_pad, IN(x), &o) : NULL;
}
