/* pool.h: what the poolings share. */
#ifndef HONE_OPS_POOL_H
#define HONE_OPS_POOL_H

#include "loops/pool.h"
#include "loops/windows.h"
#include "ops/common.h"

/* What has a number for each dim of places has three: of depth, height and width. Planes have
 * depth 1, and in options the depth's number is 0. */

/** f32 or f64 [N, C, D, H, W] or [C, D, H, W] (`dims` 3), [N, C, H, W] or [C, H, W] (2), [N, C, L]
 * or [C, L] (1), of which only N may be empty. Else the error that names the call; `what` is the
 * operand's name. */
bool hone__suits_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims);
/** The same of integers, too. */
bool hone__numbers_suit_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims);

/** From extent, kernel, stride (0: as the kernel), padding and dilation of an axis its windows;
 * `which` is its name. False + the error that names the call: padding that is more than half the
 * kernel, no window that fits. */
bool hone__pool_axis_take(hone_context *ctx, const char *which, bool ceil_mode, hone__pool_axis *a);

extern const char *const hone__pool_axes[3]; /* their names */

/** Extents `extent` for the last `dims` dims of like's shape. */
hone__shape hone__pooled_shape(const hone_tensor *like, int dims, const int64_t *extent);

/** The last `dims` extents as three. */
void hone__extents_of(int dims, int ndim, const int64_t *shape, int64_t *extent);

/** "2 x 3" of the last `dims` of three. Returns text. */
const char *hone__joined(int dims, const int64_t *extent, char *text, size_t size);

/** to, zeros to begin with, gets each volume's elements of `from` at their indices (loops/pool.h). False + E_INDEX: one
 * that is none of the places. */
bool hone__unpooled(hone_context *ctx, int64_t places, hone_tensor *to, const hone_tensor *from,
                    const hone_tensor *indices, bool add);

/** What the indices, of input 0's shape, name of g: what gradients of such results are. */
hone_tensor *hone__places_taken(hone_context *ctx, hone_tensor *g, hone_tensor *indices);

/** The backward of poolings with maxima, which saved the indices first. */
void hone__max_pool_gradient(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx);

/* ---- windows that differ from each other (window_axes.c) */

typedef struct {
    int64_t extent, results;
    const int64_t *begin, *end; /* of the result's window */
    const int64_t *divisor;     /* its share of what a window's sum is divided by */
    int64_t *room;              /* the three, to be written */
} hone__window_axis;

/** Room for an axis, which the scope owns. */
bool hone__window_axis_make(int64_t extent, int64_t results, hone__window_axis *a);
/** The depth of planes. */
hone__window_axis hone__window_axis_one(void);
void hone__windows_of(const hone__window_axis *a, hone__windows *windows);

/** Means of the windows of x; override: what sums are divided by. */
bool hone__average(hone_context *ctx, const hone_tensor *x, int dims, const hone__window_axis *a,
                   int64_t override, hone_tensor **out);
/** Their gradient: dy -> dx of the axes' extents. */
bool hone__spread(hone_context *ctx, hone_tensor *dy, int dims, const hone__window_axis *a,
                  int64_t override, hone_tensor **out);
/** dy must have the results of the axes. */
bool hone__suits_axes(hone_context *ctx, const hone_tensor *dy, int dims,
                      const hone__window_axis *a);

/** A pooling whose second output says where each maximum was; its forward is the file's max_forward,
 * its options a struct of that type. */
#define HONE__MAX_POOL(op, dims_, table, type)                                                     \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = max_forward,                                                                    \
        .backward = hone__max_pool_gradient,                                                       \
        .in = { { "x" } },                                                                         \
        .out = { { "values" }, { "indices", HONE__CONSTANT } },                                    \
        .options = table,                                                                          \
        .options_bytes = sizeof(type),                                                             \
    }

#endif
