/* common.h: what the ops' blocks share: their public functions' shortest forms, option structs that
 * several ops have, steps of backward formulas. */
#ifndef HONE_OPS_COMMON_H
#define HONE_OPS_COMMON_H

#include "op/op.h"

#include <hone/math.h>
#include <hone/net.h>
#include <hone/ops.h>

/* Every op's block, by the list. */
#define HONE_OP(name) extern const hone__op hone__op_##name;
#include "ops/ops.def"
#undef HONE_OP

/* ---- public functions that only pass their tensors on; a trailing _ is the in-place form */

#define HONE__ENTRY_X(name)                                                                        \
    hone_tensor *hone_##name(hone_tensor *x)                                                       \
    {                                                                                              \
        return hone__call(&hone__op_##name, IN(x), NULL);                                          \
    }
#define HONE__ENTRY_X_(name)                                                                       \
    hone_tensor *hone_##name##_(hone_tensor *x)                                                    \
    {                                                                                              \
        return hone__call_(&hone__op_##name, IN(x), NULL);                                         \
    }
#define HONE__ENTRY_XX(name, a, b)                                                                 \
    hone_tensor *hone_##name(hone_tensor *a, hone_tensor *b)                                       \
    {                                                                                              \
        return hone__call(&hone__op_##name, IN(a, b), NULL);                                       \
    }
#define HONE__ENTRY_XX_(name, a, b)                                                                \
    hone_tensor *hone_##name##_(hone_tensor *a, hone_tensor *b)                                    \
    {                                                                                              \
        return hone__call_(&hone__op_##name, IN(a, b), NULL);                                      \
    }
#define HONE__ENTRY_XXX(name, a, b, c)                                                             \
    hone_tensor *hone_##name(hone_tensor *a, hone_tensor *b, hone_tensor *c)                       \
    {                                                                                              \
        return hone__call(&hone__op_##name, IN(a, b, c), NULL);                                    \
    }

#define HONE__ENTRY_XS(name)                                                                       \
    hone_tensor *hone_##name(hone_tensor *x, double s)                                             \
    {                                                                                              \
        return hone__call(&hone__op_##name, IN(x), &(hone__number_options){ s });                  \
    }
#define HONE__ENTRY_XS_(name)                                                                      \
    hone_tensor *hone_##name##_(hone_tensor *x, double s)                                          \
    {                                                                                              \
        return hone__call_(&hone__op_##name, IN(x), &(hone__number_options){ s });                 \
    }

/* ---- options that many ops have */

/** Of the ops of a tensor and a number. */
typedef struct {
    double s;
} hone__number_options;
extern const hone__option hone__number_table[];
static inline double hone__number_of(hone_context *ctx)
{
    return ((const hone__number_options *)hone__options(ctx))->s;
}

typedef struct {
    int64_t dim;
} hone__dim_options;
extern const hone__option hone__dim_table[];
/** The dim of x that is meant, normalised in the options; -1 + E_SHAPE. */
int hone__take_dim(hone_context *ctx, const hone_tensor *x);
static inline int hone__dim_of(hone_context *ctx)
{
    return (int)((const hone__dim_options *)hone__options(ctx))->dim;
}

/* ---- shapes */

hone__shape hone__shape_of(const hone_tensor *t);
/** A shape as the public functions take it; room: HONE_MAX_DIMS + 1. */
const int64_t *hone__ended(const hone__shape *shape, int64_t *room);

/* ---- steps of forwards */

/** x, or in f32 if it is of integers or bool. */
hone_tensor *hone__as_float(hone_tensor *x);

/** A formula of kernels.def of one tensor, f32 or f64, and its numbers, as a new tensor. NULL: x is, or
 * E_NOMEM. */
hone_tensor *hone__formula(int k, hone_tensor *x, double s, double t, double u);

/** Runs an op of x with two outputs; both NULL on error. */
hone_values_indices hone__call_values_indices(const hone__op *op, hone_tensor *x,
                                              const void *options);

/** t, whose gradient is wanted, expanded to what it and `to` broadcast to, before it is computed with:
 * its gradient is then summed over samples as the leaf's that it may be (contract 7). Else t. */
hone_tensor *hone__expanded_to(hone_tensor *t, hone_tensor *to);

/* ---- steps of backward formulas */

/** a b, one chain an element; wide: of bf16 the sums as they are, f32. */
typedef struct {
    bool wide;
} hone__chain_options;
hone_tensor *hone__chain_matmul(hone_tensor *a, hone_tensor *b, bool wide);
/** The gradient of input i is a b, one chain an element: added to the sum in dx[i], if there is one
 * that can be, or put there. Matrices may have all of the sum's rows in one dim. */
void hone__give_product(hone_context *ctx, int i, hone_tensor **dx, hone_tensor *a, hone_tensor *b);
/** ... is the sum of x^T y over samples and positions (ops/samples.h): a parameter's. */
void hone__give_sample_product(hone_context *ctx, int i, hone_tensor **dx, hone_tensor *x,
                               hone_tensor *y);
/** The same of an input that is the matrix w (NULL: nobody looked), which may lie [n, m] in memory and be
 * seen turned: so does its gradient then, which its leaf takes over without a copy. */
void hone__give_matrix_product(hone_context *ctx, int i, hone_tensor **dx, const hone_tensor *w,
                               hone_tensor *x, hone_tensor *y);
/** dx[i] if a sum over samples begins with it; else NULL. */
hone_tensor *hone__begun(const hone_context *ctx, int i, hone_tensor **dx);
/** A tensor of 16 bits as one of f32, by an op that records itself; any other as it is. */
static inline hone_tensor *hone__single(hone_tensor *t)
{
    return t && hone__is_half((hone_dtype)t->dtype) ? hone_to(t, HONE_F32) : t;
}
/** As hone__begun where the sum isn't of 16 bits: what is added to it is of hone__single. */
static inline hone_tensor *hone__sum_begun(const hone_context *ctx, int i, hone_tensor **dx)
{
    hone_tensor *sum = hone__begun(ctx, i, dx);
    return sum && hone__is_half((hone_dtype)sum->dtype) ? NULL : sum;
}

#endif
