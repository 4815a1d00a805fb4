/* grid_sample.c: images at the places of a grid.
 *
 * A sample is a sum of elements times weights, which are functions of the place. So the derivative by
 * the place is the same with the weights' derivatives: grid_sample_slope, of any order along each
 * axis; and that by the image is its transpose, grid_sample_backward, of which the same holds. Each
 * is differentiable by all it has. */
#include "loops/sample.h"
#include "ops/common.h"

#include <string.h>

typedef struct {
    int mode, padding_mode;
    bool align_corners;
    int64_t order[3];  /* of the weights' derivatives, by depth, height and width */
    int64_t extent[3]; /* of the image, for the transpose */
} options;

static const char *const modes[] = { "bilinear", "nearest", "bicubic", NULL };
static const char *const paddings[] = { "zeros", "border", "reflection", NULL };
#define SAMPLE_OPTIONS                                                                             \
    HONE__OPTION(options, mode, HONE__OPT_CHOICE, .max = HONE_GRID_BICUBIC, .choices = modes),     \
        HONE__OPTION(options, padding_mode, HONE__OPT_CHOICE, .max = HONE_GRID_REFLECTION,         \
                     .choices = paddings),                                                         \
        HONE__OPTION(options, align_corners, HONE__OPT_BOOL)
static const hone__option table[] = { SAMPLE_OPTIONS, { NULL } };
static const hone__option slope_table[] = {
    SAMPLE_OPTIONS,
    HONE__OPTION(options, order, HONE__OPT_TRIPLE, .max = 3),
    HONE__OPTION(options, extent, HONE__OPT_TRIPLE, .max = INT32_MAX),
    { NULL },
};

/* ---- arguments */

static bool suits_dtypes(const char *name, const hone_tensor *x, const hone_tensor *grid)
{
    if (x->dtype == grid->dtype && hone_dtype_is_float((hone_dtype)x->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: x and grid must both be f32 or both f64, got %s and %s", name,
                   hone__tensor_text(x).s, hone__tensor_text(grid).s);
    return false;
}

static bool suits_shapes(const char *name, const options *o, const hone_tensor *x,
                         const hone_tensor *grid)
{
    const int dims = x->ndim - 2;
    bool fits = (dims == 2 || dims == 3) && grid->ndim == dims + 2 &&
                grid->shape[0] == x->shape[0] && grid->shape[dims + 1] == dims;
    for (int d = 2; fits && d < x->ndim; d++)
        fits = x->shape[d] > 0 && x->shape[d] <= INT32_MAX;
    if (!fits)
        hone_error_set(HONE_E_SHAPE,
                       "%s: x %s and grid %s, but [N, C, H, W] and [N, OH, OW, 2] or [N, C, D, H, "
                       "W] and [N, OD, OH, OW, 3] are wanted, H and W (and D) not 0",
                       name, hone__tensor_text(x).s, hone__tensor_text(grid).s);
    else if (o->mode == HONE_GRID_BICUBIC && dims == 3)
        hone_error_set(HONE_E_VALUE, "%s: mode bicubic is of images [N, C, H, W] alone", name);
    else
        return true;
    return false;
}

static bool in_range(const options *o)
{
    if (o->mode >= 0 && o->mode <= HONE_GRID_BICUBIC && o->padding_mode >= 0 &&
        o->padding_mode <= HONE_GRID_REFLECTION)
        return true;
    hone_error_set(HONE_E_VALUE, "grid_sample: mode %d and padding_mode %d are none", o->mode,
                   o->padding_mode);
    return false;
}

/* False: out of memory. */
static bool take_sampling(const options *o, hone_tensor *grid, hone__sampling *s)
{
    *s = (hone__sampling){ .dims = grid->ndim - 2,
                           .mode = (hone__sample_mode)o->mode,
                           .outside = (hone__sample_outside)o->padding_mode,
                           .align_corners = o->align_corners,
                           .grid = hone_contiguous(grid),
                           .places = 1 };
    memcpy(s->order, o->order, sizeof s->order);
    for (int d = 1; d < grid->ndim - 1; d++)
        s->places *= grid->shape[d];
    return s->grid;
}

/* ---- samples, and their derivatives by places */

static bool sample_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const options *o = hone__options(ctx);
    hone_tensor *x = in[0], *grid = in[1];
    hone__sampling s;
    (void)n_in;
    if (!in_range(o) || !suits_dtypes("grid_sample", x, grid) ||
        !suits_shapes("grid_sample", o, x, grid) || !HONE__SAVE(ctx, x, grid) ||
        !take_sampling(o, grid, &s))
        return false;
    hone__shape shape = hone__shape_of(x);
    for (int d = 2; d < x->ndim; d++)
        shape.shape[d] = grid->shape[d - 1];
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    if (y && y->numel > 0)
        hone__sample(&s, x, y);
    return y;
}

/* The gradient of the grid: for each of its numbers the sum over the channels of weight times the
 * image's slope along that axis. */
static hone_tensor *by_grid(const options *o, hone_tensor *weight, hone_tensor *image,
                            hone_tensor *grid)
{
    const int dims = grid ? grid->ndim - 2 : 0;
    hone_tensor *parts[3];
    if (o->mode == HONE_GRID_NEAREST)
        return hone_zeros_like(grid);
    for (int i = 0; i < dims; i++) {
        options slope = *o;
        slope.order[2 - i]++;
        hone_tensor *along = hone__call(&hone__op_grid_sample_slope, IN(image, grid), &slope);
        parts[i] = hone_unsqueeze(hone_sum_dim(hone_mul(weight, along), 1, false), -1);
    }
    return dims ? hone_cat(hone_list_n(parts, dims), -1) : NULL;
}

static void sample_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    options o = *(const options *)hone__options(ctx);
    for (int d = 5 - x->ndim; d < 3; d++)
        o.extent[d] = x->shape[x->ndim - 3 + d];
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(&hone__op_grid_sample_backward, IN(dy[0], hone_saved(ctx, 1)), &o);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = by_grid(&o, dy[0], hone_saved(ctx, 0), hone_saved(ctx, 1));
}

const hone__op hone__op_grid_sample = {
    .name = "grid_sample",
    .forward = sample_forward,
    .backward = sample_backward,
    .in = { { "x" }, { "grid" } },
    .options = table,
    .options_bytes = sizeof(options),
};

const hone__op hone__op_grid_sample_slope = {
    .name = "grid_sample_slope",
    .forward = sample_forward,
    .backward = sample_backward,
    .in = { { "x" }, { "grid" } },
    .options = slope_table,
    .options_bytes = sizeof(options),
    .forms = HONE__PRIVATE,
};

hone_tensor *hone_grid_sample(hone_tensor *x, hone_tensor *grid, hone_grid_mode mode,
                              hone_grid_padding padding_mode, bool align_corners)
{
    return hone__call(&hone__op_grid_sample, IN(x, grid),
                      &(options){ .mode = (int)mode,
                                  .padding_mode = (int)padding_mode,
                                  .align_corners = align_corners });
}

/* ---- the transpose: an image of dy's */

static bool transpose_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    const options *o = hone__options(ctx);
    hone_tensor *dy = in[0], *grid = in[1];
    hone__sampling s;
    (void)n_in;
    if (!HONE__SAVE(ctx, dy, grid) || !take_sampling(o, grid, &s))
        return false;
    hone__shape shape = hone__shape_of(dy);
    for (int d = 2; d < dy->ndim; d++)
        shape.shape[d] = o->extent[d + 3 - dy->ndim];
    hone_tensor *dx = out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, shape.ndim, shape.shape);
    hone_tensor *samples = dx ? hone_contiguous(dy) : NULL;
    if (samples && dx->numel > 0)
        hone__sample_add(&s, samples, dx);
    return samples;
}

static void transpose_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    const options *o = hone__options(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(&hone__op_grid_sample_slope, IN(u[0], hone_saved(ctx, 1)), o);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = by_grid(o, hone_saved(ctx, 0), u[0], hone_saved(ctx, 1));
}

const hone__op hone__op_grid_sample_backward = {
    .name = "grid_sample_backward",
    .forward = transpose_forward,
    .backward = transpose_backward,
    .in = { { "dy" }, { "grid" } },
    .options = slope_table,
    .options_bytes = sizeof(options),
    .forms = HONE__PRIVATE,
};
