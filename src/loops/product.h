/* product.h: a matrix product of tensors as one call of the GEMM. */
#ifndef HONE_LOOPS_PRODUCT_H
#define HONE_LOOPS_PRODUCT_H

#include "core/core.h"
#include "gemm/args.h"

typedef struct {
    hone__gemm_args gemm;
    hone__shape out;  /* the result's shape */
    hone_dtype dtype; /* of integers gemm.dtype says nothing */
} hone__product;

/** Checks a x b by PyTorch's rules and describes it: vectors become matrices of one row or column,
 * batch dims are broadcast by strides. Everything but gemm.c is set. False: E_SHAPE or E_DTYPE in
 * the name of `op`. */
bool hone__product_of(const char *op, const hone_tensor *a, const hone_tensor *b,
                      hone__product *out);

/** The same also of integers of one dtype, which wrap; of the gemm's members chain, accumulate and
 * strides are looked at then. */
bool hone__number_product_of(const char *op, const hone_tensor *a, const hone_tensor *b,
                             hone__product *out);

/** hone__gemm of any dtype: 0, or -1 and out of memory. */
int hone__gemm_of(const hone__gemm_args *args);

/** Runs it into `out`, which has the shape product->out and is contiguous, or is one matrix of any
 * strides. False: out of memory. */
bool hone__product_run(hone__product *product, hone_tensor *out);

#endif
