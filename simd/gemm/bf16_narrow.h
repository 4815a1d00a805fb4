/* bf16_narrow.h: `narrow` (bf16_kernels.h) by integers, which compilers turn into vectors. */
#ifndef HONE_GEMM_BF16_NARROW_H
#define HONE_GEMM_BF16_NARROW_H

#include "core/half.h"

static void narrow(int64_t rows, int64_t n, uint16_t *restrict to, int64_t to_rs,
                   const float *restrict from, int64_t from_rs)
{
    for (int64_t i = 0; i < rows; i++, to += to_rs, from += from_rs) {
        for (int64_t j = 0; j < n; j++) {
            uint32_t bits;
            memcpy(&bits, from + j, sizeof bits);
            to[j] = hone__bf16_of(bits);
        }
    }
}

#endif
