/* arrange.c: parts and copies of a tensor put together anew: chunk, stack, flip, roll, repeat,
 * repeat_interleave. */
#include "loops/elementwise.h"
#include "loops/turn.h"
#include "ops/common.h"

/* ---- chunk, stack */

hone_tensor_list hone_chunk(hone_tensor *x, int64_t chunks, int dim)
{
    const hone_tensor_list failed = { NULL, 0 };
    const int d = !hone__needs_tensor("chunk", x) ? -1 : hone__dim_index("chunk", x, dim);
    if (d < 0)
        return failed;
    if (chunks < 1 || chunks > INT32_MAX || x->ndim == 0) {
        hone_error_set(x->ndim ? HONE_E_VALUE : HONE_E_SHAPE, "chunk: %s can't be cut into %lld",
                       hone__tensor_text(x).s, (long long)chunks);
        return failed;
    }
    if (x->shape[d] > 0)
        return hone_split(x, (x->shape[d] - 1) / chunks + 1, dim);
    hone_tensor_list list = hone__list_new((int)chunks); /* as many of nothing, as PyTorch */
    for (int i = 0; i < list.n; i++) {
        list.at[i] = hone_slice(x, d, 0, 0, 1);
        if (!list.at[i])
            return failed;
    }
    return list;
}

/* The new dim, 0 up; -1 + error. */
static int stacked_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    const int64_t given = hone__dim_of(ctx);
    if (n_in == 0) {
        hone_error_set(HONE_E_SHAPE, "stack: needs at least one tensor");
        return -1;
    }
    const int n = in[0]->ndim + 1;
    for (int i = 1; i < n_in; i++)
        if (!hone__same_shape(in[i], in[0])) {
            hone_error_set(HONE_E_SHAPE,
                           "stack: tensor %d is %s, tensor 0 is %s; one shape is wanted", i,
                           hone__tensor_text(in[i]).s, hone__tensor_text(in[0]).s);
            return -1;
        }
    if (given >= -n && given < n && n <= HONE_MAX_DIMS)
        return (int)(given < 0 ? given + n : given);
    hone_error_set(HONE_E_SHAPE,
                   "stack: dim %lld can't be put into %s (at most %d dims, here %d..%d)",
                   (long long)given, hone__tensor_text(in[0]).s, HONE_MAX_DIMS, -n, n - 1);
    return -1;
}

static bool stack_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const int dim = stacked_dim(ctx, in, n_in);
    hone_tensor_list parts = dim < 0 ? (hone_tensor_list){ NULL, 0 } : hone__list_new(n_in);
    for (int i = 0; i < parts.n; i++)
        parts.at[i] = hone_unsqueeze(in[i], dim);
    return parts.at && hone__give(out, hone_cat(parts, dim));
}

static const hone__option stack_table[] = {
    HONE__OPTION(hone__dim_options, dim, HONE__OPT_INT),
    { NULL },
};

const hone__op hone__op_stack = {
    .name = "stack",
    .forward = stack_forward,
    .in = { { "tensors", HONE__LIST } },
    .options = stack_table,
    .options_bytes = sizeof(hone__dim_options),
    .composite = true,
};

hone_tensor *hone_stack(hone_tensor_list list, int dim)
{
    hone_tensor *const missing[] = { NULL };
    return hone__call(&hone__op_stack, list.at ? list.at : missing, list.at ? list.n : 1,
                      &(hone__dim_options){ dim });
}

/* ---- flip, roll */

/* x turned, into output 0, as if it had the given shape. */
static bool turned(hone_context *ctx, hone_tensor *x, const hone__shape *shape,
                   const hone__turn *dims, hone_tensor **out)
{
    int64_t stride[HONE_MAX_DIMS];
    hone_tensor *from = hone_contiguous(x);
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    if (!from || !y)
        return false;
    hone__contiguous_strides(shape->ndim, shape->shape, stride);
    from = hone__own(hone__alias(from, shape->ndim, shape->shape, stride, from->offset));
    hone_tensor *to = hone__own(hone__alias(y, shape->ndim, shape->shape, stride, y->offset));
    if (!from || !to)
        return false;
    hone__turn_dims(to, from, dims);
    return true;
}

/* x turned, into output 0, which lies as x does: its dims in that order. */
static bool turned_as_it_lies(hone_context *ctx, hone_tensor *x, const hone__turn *dims,
                              hone_tensor **out)
{
    hone_tensor *y = out[0] = hone__out_along(ctx, (hone_dtype)x->dtype, x->ndim, x->shape);
    int64_t shape[HONE_MAX_DIMS], from_stride[HONE_MAX_DIMS], to_stride[HONE_MAX_DIMS];
    hone__turn turns[HONE_MAX_DIMS];
    for (int d = 0; y && d < y->ndim; d++) {
        int to = 0; /* as many dims lie outside this one */
        for (int other = 0; other < y->ndim; other++)
            to +=
                y->stride[other] > y->stride[d] || (y->stride[other] == y->stride[d] && other < d);
        shape[to] = x->shape[d];
        from_stride[to] = x->stride[d];
        to_stride[to] = y->stride[d];
        turns[to] = dims[d];
    }
    hone_tensor *from =
        y ? hone__own(hone__alias(x, x->ndim, shape, from_stride, x->offset)) : NULL;
    hone_tensor *to = from ? hone__own(hone__alias(y, y->ndim, shape, to_stride, y->offset)) : NULL;
    from = to ? hone_contiguous(from) : NULL;
    if (from)
        hone__turn_dims(to, from, turns);
    return from;
}

typedef struct {
    hone__shape dims;
} flip_options;

static const hone__option flip_table[] = {
    HONE__OPTION(flip_options, dims, HONE__OPT_DIMS, .required = true),
    { NULL },
};

static bool flip_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone__shape *dims = &((const flip_options *)hone__options(ctx))->dims;
    hone__turn turns[HONE_MAX_DIMS] = { { 0 } };
    for (int i = 0; i < dims->ndim; i++) {
        const int d = hone__dim_index("flip", in[0], dims->shape[i]);
        if (d < 0)
            return false;
        if (turns[d].reversed) {
            hone_error_set(HONE_E_SHAPE, "flip: dim %d is given twice", d);
            return false;
        }
        turns[d].reversed = true;
    }
    return turned_as_it_lies(ctx, in[0], turns, out);
}

static void flip_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] =
        hone_flip_v(dy[0], hone__ended(&((const flip_options *)hone__options(ctx))->dims, room));
}

const hone__op hone__op_flip = {
    .name = "flip",
    .forward = flip_forward,
    .backward = flip_backward,
    .in = { { "x" } },
    .options = flip_table,
    .options_bytes = sizeof(flip_options),
};

hone_tensor *hone_flip_v(hone_tensor *x, const int64_t *dims_end)
{
    flip_options options;
    return hone__read_dims("flip", dims_end, &options.dims)
               ? hone__call(&hone__op_flip, IN(x), &options)
               : NULL;
}

typedef struct {
    hone__shape shifts, dims;
} roll_options;

static const hone__option roll_table[] = {
    HONE__OPTION(roll_options, shifts, HONE__OPT_DIMS, .required = true),
    HONE__OPTION(roll_options, dims, HONE__OPT_DIMS),
    { NULL },
};

/* How far elements of an extent are moved, forward: 0..extent - 1, both ways. */
static int64_t forward_shift(int64_t shift, int64_t extent)
{
    const int64_t rest = extent ? shift % extent : 0;
    return rest < 0 ? rest + extent : rest;
}

static bool roll_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const roll_options *o = hone__options(ctx);
    const bool flat = o->dims.ndim == 0;
    const hone__shape line = { .ndim = 1, .shape = { in[0]->numel } };
    const hone__shape shape = flat ? line : hone__shape_of(in[0]);
    hone__turn turns[HONE_MAX_DIMS] = { { 0 } };
    if (o->shifts.ndim != (flat ? 1 : o->dims.ndim)) {
        hone_error_set(HONE_E_VALUE, "roll: %d shifts for %d dims (without dims: one)",
                       o->shifts.ndim, o->dims.ndim);
        return false;
    }
    for (int i = 0; i < o->shifts.ndim; i++) {
        const int d = flat ? 0 : hone__dim_index("roll", in[0], o->dims.shape[i]);
        if (d < 0)
            return false;
        if (shape.ndim == 0)
            continue;
        const int64_t extent = shape.shape[d];
        const int64_t back = extent - forward_shift(o->shifts.shape[i], extent);
        turns[d].from = forward_shift(turns[d].from + back, extent); /* a dim may come twice */
    }
    return turned(ctx, in[0], &shape, turns, out);
}

static void roll_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const roll_options *o = hone__options(ctx);
    const hone__shape *x = hone__input_shape(ctx, 0);
    roll_options back = *o;
    int64_t numel = 1;
    for (int d = 0; d < x->ndim; d++)
        numel *= x->shape[d];
    for (int i = 0; i < o->shifts.ndim && x->ndim > 0; i++) {
        const int64_t dim = o->dims.ndim ? o->dims.shape[i] : 0;
        const int64_t extent = o->dims.ndim ? x->shape[dim < 0 ? dim + x->ndim : dim] : numel;
        back.shifts.shape[i] = -forward_shift(o->shifts.shape[i], extent);
    }
    dx[0] = hone__call(&hone__op_roll, IN(dy[0]), &back);
}

const hone__op hone__op_roll = {
    .name = "roll",
    .forward = roll_forward,
    .backward = roll_backward,
    .in = { { "x" } },
    .options = roll_table,
    .options_bytes = sizeof(roll_options),
};

hone_tensor *hone_roll_v(hone_tensor *x, const int64_t *shifts_end, const int64_t *dims_end)
{
    roll_options options;
    return hone__read_dims("roll", shifts_end, &options.shifts) &&
                   hone__read_dims("roll", dims_end, &options.dims)
               ? hone__call(&hone__op_roll, IN(x), &options)
               : NULL;
}

/* ---- repeat, repeat_interleave: x, seen as [outer, extent, inner], with a dim put in */

typedef struct {
    int64_t outer, extent, inner;
} parts;

static parts parts_at(const int64_t *shape, int ndim, int dim)
{
    parts p = { 1, ndim ? shape[dim] : 1, 1 };
    for (int d = 0; d < ndim; d++)
        *(d < dim ? &p.outer : &p.inner) *= d == dim ? 1 : shape[d];
    return p;
}

/* out, contiguous, as [outer, times, inner] = x, contiguous, as [outer, 1, inner]. */
static bool copy_times(hone_tensor *out, const hone_tensor *x, int64_t outer, int64_t times,
                       int64_t inner)
{
    const int64_t shape[] = { outer, times, inner }, stride[] = { inner, 0, 1 };
    const int64_t own[] = { times * inner, inner, 1 };
    if (out->numel == 0)
        return true;
    for (int64_t k = 0; inner == 1 && times < outer && k < times;
         k++) { /* long lines of one each */
        hone_tensor *from = hone__own(hone__alias(x, 1, &outer, own + 2, x->offset));
        hone_tensor *to = hone__own(hone__alias(out, 1, &outer, &times, out->offset + k));
        if (!from || !to || !hone__copy_elements(to, from))
            return false;
    }
    if (inner == 1 && times < outer)
        return true;
    hone_tensor *from = hone__own(hone__alias(x, 3, shape, stride, x->offset));
    hone_tensor *to = hone__own(hone__alias(out, 3, shape, own, out->offset));
    return from && to && hone__copy_elements(to, from);
}

/* The sum over the copies of dy's [outer, times, inner]. */
static hone_tensor *sum_times(hone_tensor *dy, int64_t outer, int64_t times, int64_t inner)
{
    return hone_sum_dim(hone_reshape(dy, outer, times, inner), 1, false);
}

typedef struct {
    hone__shape repeats;
} repeat_options;

static const hone__option repeat_table[] = {
    HONE__OPTION(repeat_options, repeats, HONE__OPT_DIMS, .required = true),
    { NULL },
};

/* Of x's dims behind new ones of extent 1; false + error if the numbers don't fit. */
static bool repeated_shape(const hone_tensor *x, const hone__shape *repeats, hone__shape *padded,
                           hone__shape *shape)
{
    const int lead = repeats->ndim - x->ndim;
    padded->ndim = shape->ndim = repeats->ndim;
    bool fits = lead >= 0;
    for (int d = 0; fits && d < repeats->ndim; d++) {
        padded->shape[d] = d < lead ? 1 : x->shape[d - lead];
        fits = repeats->shape[d] >= 0;
        if (fits && __builtin_mul_overflow(padded->shape[d], repeats->shape[d], &shape->shape[d])) {
            hone_error_set(HONE_E_SHAPE, "repeat: %s %lld times is more than an int64 can count",
                           hone__tensor_text(x).s, (long long)repeats->shape[d]);
            return false;
        }
    }
    if (fits)
        return hone__numel_of("repeat", shape->ndim, shape->shape) >= 0;
    hone_error_set(lead < 0 ? HONE_E_SHAPE : HONE_E_VALUE,
                   "repeat: %s can't be repeated %s times: a number from 0 for each dim is wanted",
                   hone__tensor_text(x).s, hone__shape_text(repeats->ndim, repeats->shape).s);
    return false;
}

/* A dim at a time, the last one first; the outermost one goes into the result. */
static bool repeat_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone__shape *repeats = &((const repeat_options *)hone__options(ctx))->repeats;
    hone__shape now, shape;
    if (!repeated_shape(in[0], repeats, &now, &shape))
        return false;
    int first = 0; /* the dim that is repeated last of all */
    while (first < repeats->ndim && repeats->shape[first] == 1)
        first++;
    hone_tensor *x = hone_contiguous(in[0]);
    hone_tensor *y = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, shape.ndim, shape.shape);
    if (!x || !hone__give(out, y) || y->numel == 0)
        return x && y;
    for (int d = repeats->ndim - 1; d > first; d--) {
        if (repeats->shape[d] == 1)
            continue;
        const parts p = parts_at(now.shape, now.ndim, d);
        now.shape[d] = shape.shape[d];
        hone_tensor *more =
            hone__own(hone__new("repeat", (hone_dtype)x->dtype, now.ndim, now.shape));
        if (!more || !copy_times(more, x, p.outer, repeats->shape[d], p.extent * p.inner))
            return false;
        x = more;
    }
    const int64_t times = first < repeats->ndim ? repeats->shape[first] : 1;
    const parts p =
        first < repeats->ndim ? parts_at(now.shape, now.ndim, first) : (parts){ 1, y->numel, 1 };
    return copy_times(y, x, p.outer, times, p.extent * p.inner);
}

static void repeat_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *repeats = &((const repeat_options *)hone__options(ctx))->repeats;
    const hone__shape *x = hone__input_shape(ctx, 0);
    const int lead = repeats->ndim - x->ndim;
    hone__shape now = { .ndim = repeats->ndim };
    int64_t room[HONE_MAX_DIMS + 1];
    hone_tensor *g = dy[0];
    for (int d = 0; d < now.ndim; d++)
        now.shape[d] = repeats->shape[d] * (d < lead ? 1 : x->shape[d - lead]);
    for (int d = 0; d < now.ndim; d++) {
        const int64_t own = d < lead ? 1 : x->shape[d - lead];
        const parts p = parts_at(now.shape, now.ndim, d);
        if (repeats->shape[d] != 1)
            g = sum_times(g, p.outer, repeats->shape[d], own * p.inner);
        now.shape[d] = own;
    }
    dx[0] = hone_reshape_v(g, hone__ended(x, room));
}

const hone__op hone__op_repeat = {
    .name = "repeat",
    .forward = repeat_forward,
    .backward = repeat_backward,
    .in = { { "x" } },
    .options = repeat_table,
    .options_bytes = sizeof(repeat_options),
};

hone_tensor *hone_repeat_v(hone_tensor *x, const int64_t *repeats_end)
{
    repeat_options options;
    return hone__read_dims("repeat", repeats_end, &options.repeats)
               ? hone__call(&hone__op_repeat, IN(x), &options)
               : NULL;
}

typedef struct {
    int64_t repeats, dim;
} interleave_options;

static const hone__option interleave_table[] = {
    HONE__OPTION(interleave_options, repeats, HONE__OPT_INT, .required = true),
    HONE__OPTION(interleave_options, dim, HONE__OPT_INT, .required = true),
    { NULL },
};

static bool repeat_interleave_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                      hone_tensor **out)
{
    (void)n_in;
    interleave_options *o = hone__options(ctx);
    const int dim = hone__dim_index("repeat_interleave", in[0], o->dim);
    if (dim < 0)
        return false;
    o->dim = dim;
    hone__shape shape = hone__shape_of(in[0]);
    const parts p = parts_at(shape.shape, shape.ndim, dim);
    shape.ndim += shape.ndim == 0;
    if (o->repeats < 0 || __builtin_mul_overflow(p.extent, o->repeats, &shape.shape[dim])) {
        hone_error_set(HONE_E_VALUE, "repeat_interleave: %s can't be repeated %lld times",
                       hone__tensor_text(in[0]).s, (long long)o->repeats);
        return false;
    }
    hone_tensor *x = hone_contiguous(in[0]);
    hone_tensor *y = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, shape.ndim, shape.shape);
    return x && hone__give(out, y) && copy_times(y, x, p.outer * p.extent, o->repeats, p.inner);
}

static void repeat_interleave_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const interleave_options *o = hone__options(ctx);
    const hone__shape *x = hone__input_shape(ctx, 0);
    const parts p = parts_at(x->shape, x->ndim, (int)o->dim);
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = hone_reshape_v(sum_times(dy[0], p.outer * p.extent, o->repeats, p.inner),
                           hone__ended(x, room));
}

const hone__op hone__op_repeat_interleave = {
    .name = "repeat_interleave",
    .forward = repeat_interleave_forward,
    .backward = repeat_interleave_backward,
    .in = { { "x" } },
    .options = interleave_table,
    .options_bytes = sizeof(interleave_options),
};

hone_tensor *hone_repeat_interleave(hone_tensor *x, int64_t repeats, int dim)
{
    return hone__call(&hone__op_repeat_interleave, IN(x), &(interleave_options){ repeats, dim });
}
