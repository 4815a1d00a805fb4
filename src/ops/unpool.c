/* unpool.c: max_unpool1d, 2d and 3d: values put back where a pooling with maxima took them. */
#include "core/reserve.h"
#include "loops/indices.h"
#include "op/options.h"
#include "ops/pool.h"

typedef struct {
    int64_t kernel_size[3], stride[3], padding[3], output_size[3];
} options;

#define NUMBERS(field_, kind_, d, ...)                                                             \
    {                                                                                              \
        .name = #field_, .kind = kind_, .offset = offsetof(options, field_[d]), .max = INT32_MAX,  \
        __VA_ARGS__                                                                                \
    }
#define TABLE(kind, d)                                                                             \
    {                                                                                              \
        NUMBERS(kernel_size, kind, d, .required = true, .min = 1),                                 \
            NUMBERS(stride, kind, d, .min = 0), /* 0: the kernel's size */                         \
            NUMBERS(padding, kind, d, .min = 0),                                                   \
            NUMBERS(output_size, kind, d, .min = 0), /* 0: what follows from the others */         \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
static const hone__option table1d[] = TABLE(HONE__OPT_INT, 2);
static const hone__option table2d[] = TABLE(HONE__OPT_PAIR, 1);
static const hone__option table3d[] = TABLE(HONE__OPT_TRIPLE, 0);

/* The extents of the result of x. */
static bool take_extents(hone_context *ctx, const hone_tensor *x, int64_t *extent, int64_t *places)
{
    static const char *const one[] = { "", "", "length" };
    const options *o = hone__options(ctx);
    const int dims = hone__call_dims(ctx);
    *places = 1;
    hone__extents_of(dims, x->ndim, x->shape, extent);
    for (int d = 3 - dims; d < 3; d++) {
        const char *axis = dims == 1 ? one[d] : hone__pool_axes[d];
        const int64_t stride = o->stride[d] ? o->stride[d] : o->kernel_size[d];
        const int64_t usual = (extent[d] - 1) * stride - 2 * o->padding[d] + o->kernel_size[d];
        extent[d] = o->output_size[d] ? o->output_size[d] : usual;
        if (o->output_size[d] && (extent[d] <= usual - stride || extent[d] >= usual + stride)) {
            hone_error_set(HONE_E_VALUE,
                           "%s: output_size of the %s is %lld, but more than %lld and less than "
                           "%lld is wanted",
                           hone__call_name(ctx), axis, (long long)extent[d],
                           (long long)(usual - stride), (long long)(usual + stride));
            return false;
        }
        if (extent[d] < 1 || extent[d] > INT32_MAX || (*places *= extent[d]) > INT32_MAX) {
            hone_error_set(HONE_E_SHAPE,
                           "%s: x %s gives a result of %s %lld, which is none, or more than 2^31 - "
                           "1 elements",
                           hone__call_name(ctx), hone__tensor_text(x).s, axis,
                           (long long)extent[d]);
            return false;
        }
    }
    return true;
}

static bool unpool_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const int dims = hone__call_dims(ctx);
    const char *name = hone__call_name(ctx);
    int64_t extent[3], places;
    if (!hone__suits_pool(ctx, "x", in[0], dims) || !take_extents(ctx, in[0], extent, &places))
        return false;
    if (!hone__same_shape(in[0], in[1])) {
        hone_error_set(HONE_E_SHAPE, "%s: indices %s must have the shape of x %s", name,
                       hone__tensor_text(in[1]).s, hone__tensor_text(in[0]).s);
        return false;
    }
    hone_tensor *indices = hone__indices_of(name, in[1]);
    hone_tensor *x = indices ? hone_contiguous(in[0]) : NULL;
    if (!x || !HONE__SAVE(ctx, in[1]))
        return false;
    const hone__shape shape = hone__pooled_shape(x, dims, extent);
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    return y && hone__unpooled(ctx, places, y, x, indices, false);
}

static void unpool_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone__places_taken(ctx, dy[0], hone_saved(ctx, 0));
}

#define MAX_UNPOOL(op, dims_, table)                                                               \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = unpool_forward,                                                                 \
        .backward = unpool_backward,                                                               \
        .in = { { "x" }, { "indices", HONE__CONSTANT } },                                          \
        .options = table,                                                                          \
        .options_bytes = sizeof(options),                                                          \
    }
MAX_UNPOOL(max_unpool1d, 1, table1d);
MAX_UNPOOL(max_unpool2d, 2, table2d);
MAX_UNPOOL(max_unpool3d, 3, table3d);

static hone_tensor *call(const hone__op *op, hone_tensor *x, hone_tensor *indices,
                         const options *given)
{
    options plain;
    return hone__options_resolve(op, given, &plain) ? hone__call(op, IN(x, indices), &plain) : NULL;
}

hone_tensor *hone_max_unpool1d(hone_tensor *x, hone_tensor *indices,
                               const hone_max_unpool1d_options *o)
{
    options given = { .kernel_size[2] = 0 };
    if (o)
        given = (options){ .kernel_size[2] = o->kernel_size,
                           .stride[2] = o->stride,
                           .padding[2] = o->padding,
                           .output_size[2] = o->output_size };
    return HONE__KNOWS_OPTIONS("max_unpool1d", o) ? call(&hone__op_max_unpool1d, x, indices, &given)
                                                  : NULL;
}

hone_tensor *hone_max_unpool2d(hone_tensor *x, hone_tensor *indices,
                               const hone_max_unpool2d_options *o)
{
    options given = { .kernel_size[2] = 0 };
    for (int d = 1; o && d < 3; d++) {
        given.kernel_size[d] = o->kernel_size[d - 1];
        given.stride[d] = o->stride[d - 1];
        given.padding[d] = o->padding[d - 1];
        given.output_size[d] = o->output_size[d - 1];
    }
    return HONE__KNOWS_OPTIONS("max_unpool2d", o) ? call(&hone__op_max_unpool2d, x, indices, &given)
                                                  : NULL;
}

hone_tensor *hone_max_unpool3d(hone_tensor *x, hone_tensor *indices,
                               const hone_max_unpool3d_options *o)
{
    options given = { .kernel_size[2] = 0 };
    for (int d = 0; o && d < 3; d++) {
        given.kernel_size[d] = o->kernel_size[d];
        given.stride[d] = o->stride[d];
        given.padding[d] = o->padding[d];
        given.output_size[d] = o->output_size[d];
    }
    return HONE__KNOWS_OPTIONS("max_unpool3d", o) ? call(&hone__op_max_unpool3d, x, indices, &given)
                                                  : NULL;
}
