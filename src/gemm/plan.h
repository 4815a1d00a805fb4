/* plan.h: the decisions about a product: order, packing, blocks. */
#ifndef HONE_GEMM_PLAN_H
#define HONE_GEMM_PLAN_H

#include "gemm/blocks.h"
#include "gemm/parts.h"

/** If B is not read where it lies; an operand of `size` bytes an element. */
bool hone__gemm_packs_b(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size);

/** If it is a product for `few`. With more rows than the narrow kernels do at once that needs whole
 * vectors of columns, long enough rows, and a B that may be passed twice. */
static inline bool hone__gemm_suits_few(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                        int64_t size)
{
    enum { LONG = 128 };
    if (x->m > kernel->few_rows || x->b_rs != 1 || x->b_cs == 1) {
        return false;
    }
    return x->m <= HONE__GEMM_FEW_ROWS || (x->a_cs == 1 && x->k >= LONG && x->n >= kernel->vl &&
                                           hone__gemm_fits_l2(x->k * x->n * size));
}

/** If C has no element. */
bool hone__gemm_is_empty(const hone__gemm_args *args);

/** Brings plan->x, and A's source or NULL, into normal form, and counts the batch: a batch that is
 * one taller product becomes it, C is row-major if it can be, strides of extents of 1 are what is
 * fast. The products and their order stay. */
void hone__gemm_plan_normalise(hone__gemm_plan *plan, const hone__gemm_source *a);

/** What comes after the sums, from plan->x. */
void hone__gemm_plan_epilogue(hone__gemm_plan *plan);

/** Normalises, then decides everything but the threads; `plan` for x.m, x.n > 0 and a batch that is
 * not empty. a: what A comes from, or NULL. */
void hone__gemm_plan_make(hone__gemm_plan *plan, const hone__gemm_args *args,
                          const hone__gemm_source *a);

/** What comes after the epilogue: GELU's kernel, or NULL. */
hone__unary_fn hone__gemm_activation(const hone__gemm_args *x);

hone__gemm_offsets hone__gemm_batch_offsets(const hone__gemm_args *x, int64_t index);

#endif
