/* bf16_cases.h: numbers that are hard for products of bf16, and the kernels that have to agree on
 * them. */
#ifndef TESTS_BF16_CASES_H
#define TESTS_BF16_CASES_H

#include "bf16_model.h"
#include "gemm/pairs.h"
#include "gemm_cases.h"
#include "isa/bf16.h"

/* Makes hone use kernel i of this machine; NULL: there is none. */
static inline const hone__bf16_kernel *use_kernel(int i)
{
    const hone__bf16_kernel *kernel = hone__bf16_available(i);
    if (kernel) {
        hone__isa_use(hone__isa_find(kernel->isa));
        hone__bf16_use(kernel);
        const bool tiles = hone__bf16_order_now() == HONE__BF16_TILES;
        cr_assert(hone__bf16_in(tiles) == kernel || (kernel->tiled && !tiles));
    }
    return kernel;
}

static inline uint32_t no_nan(uint32_t bits)
{
    return (bits & 0x7FFFFFFF) > 0x7F800000 ? MODEL_NAN : bits;
}

/* Any bits; the least normal numbers; denormals; numbers whose products are near the least normal
 * one, are half a place of a sum or less; infinities, NaN, the largest; one. */
static inline uint16_t hard(void)
{
    const uint32_t r = next(), sign = r & 0x8000, fraction = r & 0x7F, more = r >> 16;
    switch (next() % 9) {
    case 0:
        return (uint16_t)r;
    case 1:
        return (uint16_t)(sign | 1 << 7 | fraction);
    case 2:
        return (uint16_t)(sign | fraction);
    case 3:
        return (uint16_t)(sign | (126 + more % 3) << 7 | fraction);
    case 4:
        return (uint16_t)(sign | (63 + more % 4) << 7 | fraction);
    case 5:
        return (uint16_t)(sign | (254 + more % 2) << 7 | fraction);
    case 6:
        return (uint16_t)(sign | (50 + more % 30) << 7 | fraction);
    case 7:
        return (uint16_t)(sign | (115 + more % 12) << 7 | fraction);
    default:
        return (uint16_t)(sign | 127 << 7);
    }
}

/* What sums begin with, a and b being their first product: any bits; the least normal numbers; what
 * cancels the product, or nearly; few bits. */
static inline uint32_t hard_sum(uint16_t a, uint16_t b)
{
    const uint32_t r = next();
    switch (next() % 4) {
    case 0:
        return r;
    case 1:
        return (r & 0x80000000) | 0x00800000 | (r & 3);
    case 2:
        return (model_step(a, b, 0) ^ 0x80000000) + (r % 3 - 1);
    default:
        return r & 0x80FF0000;
    }
}

#endif
