/* reduced.h: what all reductions share: their options, the dims that are meant, shapes, declarations of the
 * three forms name(x), name_dim(x, dim, keepdim), name_dims(x, keepdim, d0, d1, ...).
 *
 * Every forward leaves the dims it reduced as a bit mask in its options, so that the three forms of
 * an op share one gradient. */
#ifndef HONE_OPS_REDUCED_H
#define HONE_OPS_REDUCED_H

#include "ops/common.h"

/** Of all forms; each has a table of its own. */
typedef struct {
    int64_t dim, k; /* k: of kthvalue */
    double correction, p;
    bool keepdim;
    uint32_t mask; /* bits of the dims, found by the forward */
    hone__shape dims;
} hone__reduce_options;

static inline hone__reduce_options *hone__reduce_of(hone_context *ctx)
{
    return hone__options(ctx);
}

#define HONE__DIM     HONE__OPTION(hone__reduce_options, dim, HONE__OPT_INT, .required = true)
#define HONE__DIMS    HONE__OPTION(hone__reduce_options, dims, HONE__OPT_DIMS)
#define HONE__KEEPDIM HONE__OPTION(hone__reduce_options, keepdim, HONE__OPT_BOOL)
#define HONE__CORRECTION                                                                           \
    HONE__OPTION(hone__reduce_options, correction, HONE__OPT_FLOAT, .standard = 1)
extern const hone__option hone__reduce_all_table[], hone__reduce_dim_table[],
    hone__reduce_dims_table[], hone__var_table[], hone__var_dim_table[], hone__var_dims_table[];

/** Find the dims that are meant: all, one, several (none named: all, as in PyTorch). False + error. */
bool hone__mask_of_all(hone_context *ctx, const hone_tensor *x);
bool hone__mask_of_dim(hone_context *ctx, const hone_tensor *x);
bool hone__mask_of_dims(hone_context *ctx, const hone_tensor *x);

/** x's shape with the reduced dims gone, or as 1 with keepdim. */
void hone__reduced_shape(int ndim, const int64_t *x, uint32_t mask, bool keepdim, hone__shape *out);
/** How many elements an output is made of. */
int64_t hone__reduced_count(int ndim, const int64_t *x, uint32_t mask);
int64_t hone__reduced_of_call(hone_context *ctx, const hone_tensor *x);

/** What every reduction begins with: the result tensor. */
hone_tensor *hone__reduced_out(hone_context *ctx, const hone_tensor *x, hone_dtype dtype);
bool hone__needs_float(hone_context *ctx, const hone_tensor *x);

/** A result-shaped tensor with the reduced dims back, as 1. */
hone_tensor *hone__with_dims(hone_context *ctx, hone_tensor *t);
/** The dims that the call reduced, ended as the public functions want them; how many. */
int hone__reduced_list(hone_context *ctx, int64_t *dims);

/** The same of x, before a node is there. */
int hone__masked_dims(hone_context *ctx, const hone_tensor *x, int64_t *dims);

hone_tensor *hone__call_over_dims(const hone__op *op, hone_tensor *x, hone__reduce_options options,
                                  const int64_t *dims_end);

#define HONE__REDUCTION(name_, mask_of, of, table, backward_, ...)                                 \
    static bool name_##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,               \
                                hone_tensor **out)                                                 \
    {                                                                                              \
        (void)n_in;                                                                                \
        return mask_of(ctx, in[0]) && hone__give(out, of(ctx, in[0]));                             \
    }                                                                                              \
    const hone__op hone__op_##name_ = { .name = #name_,                                            \
                                        .forward = name_##_forward,                                \
                                        .backward = backward_,                                     \
                                        .in = { { "x" } },                                         \
                                        .options = table,                                          \
                                        .options_bytes = sizeof(hone__reduce_options),             \
                                        __VA_ARGS__ };

/** The public functions of the three forms. */
#define HONE__ALL(name_)                                                                           \
    hone_tensor *hone_##name_(hone_tensor *x)                                                      \
    {                                                                                              \
        return hone__call(&hone__op_##name_, IN(x), NULL);                                         \
    }
#define HONE__BY_DIM(name_)                                                                        \
    hone_tensor *hone_##name_(hone_tensor *x, int dim, bool keepdim)                               \
    {                                                                                              \
        return hone__call(&hone__op_##name_, IN(x),                                                \
                          &(hone__reduce_options){ .dim = dim, .keepdim = keepdim });              \
    }
#define HONE__BY_DIMS(name_)                                                                       \
    hone_tensor *hone_##name_##_v(hone_tensor *x, bool keepdim, const int64_t *dims_end)           \
    {                                                                                              \
        return hone__call_over_dims(&hone__op_##name_, x,                                          \
                                    (hone__reduce_options){ .keepdim = keepdim }, dims_end);       \
    }

#endif
